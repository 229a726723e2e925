"""The common way: one cell after the other, a plain PyTorch training loop."""

import torch
from torch import nn

from contender import example_indices, serve


def prepare(task, images, labels):
    torch.set_num_threads(task["threads"])
    x = torch.from_numpy(images)
    y = torch.from_numpy(labels).long()
    cells = [(seed, rate) for seed in task["seeds"] for rate in task["learningRates"]]

    def make(seed, rate):
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Linear(task["features"], task["hidden"]), nn.ReLU(), nn.Linear(task["hidden"], task["classes"])
        )
        return model, torch.optim.Adam(model.parameters(), lr=rate)

    trained = [make(*cell) for cell in cells]
    criterion = nn.CrossEntropyLoss()

    def run(first_step):
        # One call trains one cell, the next call the next one, as a sequential sweep would.
        cell = first_step % len(cells)
        model, optimizer = trained[cell]
        indices = torch.from_numpy(example_indices(task, cells[cell][0], first_step))
        for index in indices:
            loss = criterion(model(x[index]), y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return task["chunkSteps"], loss.item()

    return run


serve(prepare, f"PyTorch {torch.__version__}")
