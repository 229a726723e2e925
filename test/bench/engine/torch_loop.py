"""The common way: one cell after the other, a plain PyTorch training loop."""

import torch
from torch import nn
from torch.nn import functional

from contender import example_indices, serve


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width)
        self.projection = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)

    def forward(self, x):
        batch, context, width = x.shape
        joined = self.attention(self.norm1(x)).view(batch, context, 3, self.heads, width // self.heads)
        q, k, v = joined.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.projection(mixed.transpose(1, 2).reshape(batch, context, width))
        return x + self.contract(functional.gelu(self.expand(self.norm2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, layers, width, heads, context, vocabulary):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(0.02 * torch.randn(context, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.tokens.weight, std=0.02)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.tokens.weight.t()


def network(task):
    model = task["model"]
    if model["kind"] == "gpt":
        return Gpt(model["layers"], model["width"], model["heads"], model["context"], task["classes"])
    if model["kind"] == "cnn":
        return nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 64),
            nn.ReLU(),
            nn.Linear(64, task["classes"]),
        )
    return nn.Sequential(
        nn.Linear(task["features"], model["hidden"]), nn.ReLU(), nn.Linear(model["hidden"], task["classes"])
    )


def prepare(task, examples, labels):
    torch.set_num_threads(task["threads"])
    x = torch.from_numpy(examples)
    if labels is None:
        x = x.long()
    else:
        y = torch.from_numpy(labels).long()
    cells = [(seed, rate) for seed in task["seeds"] for rate in task["learningRates"]]

    def make(seed, rate):
        torch.manual_seed(seed)
        model = network(task)
        return model, torch.optim.Adam(model.parameters(), lr=rate)

    trained = [make(*cell) for cell in cells]

    def loss_of(model, index):
        if labels is None:
            windows = x[index]
            return functional.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())
        return functional.cross_entropy(model(x[index]), y[index])

    def run(first_step):
        # One call trains one cell, the next call the next one, as a sequential sweep would.
        cell = first_step % len(cells)
        model, optimizer = trained[cell]
        indices = torch.from_numpy(example_indices(task, cells[cell][0], first_step))
        for index in indices:
            loss = loss_of(model, index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return task["chunkSteps"], loss.item()

    return run


serve(prepare, f"PyTorch {torch.__version__}")
