"""A small network in PyTorch, as the lab sweeps it: arguments in, one JSON object a line out.

The data are made here: ten patterns of 8 x 8 pixels, shifted by up to one pixel and covered with noise.
"""

import argparse
import json
import os

import torch
from torch import nn

CLASSES, SIDE, TRAINING, EVALUATION = 10, 8, 4000, 1000


def digits(count, generator):
    """Images [count, SIDE * SIDE] and their classes [count]."""
    patterns = torch.randn(CLASSES, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(CLASSES, (count,), generator=generator)
    shifts = torch.randint(-1, 2, (count, 2), generator=generator)
    images = torch.stack(
        [patterns[label].roll(shift.tolist(), (0, 1)) for label, shift in zip(labels, shifts)]
    )
    images += 0.7 * torch.randn(images.shape, generator=generator)
    return images.flatten(1), labels


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--marks", type=lambda text: {int(mark) for mark in text.split(",")}, required=True)
    arguments = parser.parse_args()

    torch.set_num_threads(int(os.environ.get("SURGE_THREADS", "1")))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    data = torch.Generator().manual_seed(1)
    images, labels = (part.to(device) for part in digits(TRAINING, data))
    held_out, answers = (part.to(device) for part in digits(EVALUATION, data))

    # The same seed gives the same weights and the same minibatches for every learning rate.
    torch.manual_seed(arguments.seed)
    model = nn.Sequential(nn.Linear(SIDE * SIDE, 32), nn.ReLU(), nn.Linear(32, CLASSES)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=arguments.lr)
    loss_of = nn.CrossEntropyLoss()
    order = torch.Generator().manual_seed(arguments.seed)

    for step in range(1, arguments.steps + 1):
        batch = torch.randint(TRAINING, (arguments.batch_size,), generator=order).to(device)
        loss = loss_of(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        report = {"step": step, "loss": loss.item()}
        if step in arguments.marks:
            with torch.no_grad():
                logits = model(held_out)
                report["evaluationLoss"] = loss_of(logits, answers).item()
                report["evaluationAccuracy"] = (logits.argmax(1) == answers).float().mean().item()
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
