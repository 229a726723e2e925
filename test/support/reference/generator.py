"""Numbers that every reference script and the tests make alike."""

import torch


def numbers(count, seed, scale):
    """A linear congruential generator: uniform in -scale..scale, rounded to float32."""
    state = seed
    out = []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append((state / 2**32 * 2 - 1) * scale)
    return torch.tensor(out, dtype=torch.float32).double()
