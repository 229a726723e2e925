"""Losses and gradients of the workloads, computed by PyTorch in double precision, as a reference for the tests.

  python gradients.py > gradients.json

Parameters and data are not in the file: both sides make them with the same generator (`numbers`). Of each gradient the
file has the norm and at most 40 evenly spaced entries, in the layout of our own parameters.
"""

import json
import math
import sys

import torch
import torch.nn.functional as F

from generator import numbers

torch.set_default_dtype(torch.float64)


class Parameters:
    """Parameters in the order in which they are asked for; a norm's scale is 1 + a small number."""

    def __init__(self, scale):
        self.scale = scale
        self.named = {}

    def __call__(self, name, *shape):
        count = math.prod(shape)
        values = numbers(count, len(self.named) + 1, self.scale).reshape(shape)
        if name.endswith(".scale"):
            values = (values.float() + 1).double()
        self.named[name] = values.requires_grad_()
        return self.named[name]

    def result(self, loss, differentiated=None):
        gradients = torch.autograd.grad(loss if differentiated is None else differentiated, list(self.named.values()))
        described = {}
        for (name, parameter), gradient in zip(self.named.items(), gradients):
            flat = gradient.reshape(-1)
            stride = max(1, math.ceil(flat.numel() / 40))
            described[name] = {
                "shape": list(parameter.shape),
                "norm": float(flat.norm()),
                "stride": stride,
                "values": [float(f"{v:.9g}") for v in flat[::stride]],
            }
        return {"loss": float(loss.detach()), "gradients": described}


def patch_kernel(weights, within):
    """[out, kernel*kernel*in] with columns (row, column, channel) as PyTorch's [out, in, row, column]."""
    out, columns = weights.shape
    kernel = math.isqrt(columns // within)
    return weights.reshape(out, kernel, kernel, within).permute(0, 3, 1, 2)


def stacked_kernel(weights, out, within):
    """[kernel*out, kernel*in] with rows (row, out) and columns (column, in)."""
    kernel = weights.shape[0] // out
    return weights.reshape(kernel, out, kernel, within).permute(1, 3, 0, 2)


def images(examples, planes, side):
    return numbers(examples * planes * side * side, 1000, 1).reshape(examples, planes, side, side)


def labels(examples, classes):
    return torch.arange(examples) % classes


def column(vector):
    return vector.reshape(-1)


def cnn():
    examples, planes, side, classes, dense = 3, 2, 8, 4, 6
    channels, pool_after = [3, 4, 5], [2, 3]
    p = Parameters(0.5)
    x = images(examples, planes, side)
    within = planes
    for i, out in enumerate(channels):
        if i == 0:
            kernel = patch_kernel(p("convolution1.weights", out, 9 * within), within)
        else:
            kernel = stacked_kernel(p(f"convolution{i + 1}.weights", 3 * out, 3 * within), out, within)
        x = F.relu(F.conv2d(x, kernel, column(p(f"convolution{i + 1}.bias", out, 1)), padding=1))
        if i + 1 in pool_after:
            x = F.max_pool2d(x, 2)
        within = out
    x = x.reshape(examples, -1)
    x = F.relu(F.linear(x, p("dense.weights", dense, x.shape[1]), column(p("dense.bias", dense, 1))))
    x = F.linear(x, p("logits.weights", classes, dense), column(p("logits.bias", classes, 1)))
    return p.result(F.cross_entropy(x, labels(examples, classes)))


def resnet18():
    examples, planes, side, classes, width = 4, 3, 12, 3, 2
    p = Parameters(0.5)

    def block(name, x, out, kernel, stride):
        within = x.shape[1]
        stacked = name != "stem" and stride == 1
        shape = (kernel * out, kernel * within) if stacked else (out, kernel * kernel * within)
        weights = p(f"{name}.weights", *shape)
        filters = stacked_kernel(weights, out, within) if stacked else patch_kernel(weights, within)
        y = F.conv2d(x, filters, stride=stride, padding=kernel // 2)
        return F.batch_norm(
            y, None, None, column(p(f"{name}.scale", out, 1)), column(p(f"{name}.shift", out, 1)), training=True
        )

    x = F.relu(block("stem", images(examples, planes, side), width, 3, 1))
    for stage in range(4):
        out = width * 2**stage
        for number in range(2):
            name = f"stage{stage + 1}.block{number + 1}"
            halves = number == 0 and stage > 0
            inside = F.relu(block(f"{name}.convolution1", x, out, 3, 2 if halves else 1))
            inside = block(f"{name}.convolution2", inside, out, 3, 1)
            x = F.relu(inside + (block(f"{name}.shortcut", x, out, 1, 2) if halves else x))
    x = x.mean(dim=(2, 3))
    x = F.linear(x, p("logits.weights", classes, x.shape[1]), column(p("logits.bias", classes, 1)))
    return p.result(F.cross_entropy(x, labels(examples, classes)))


def tokens(sequences, context, vocabulary):
    return torch.tensor([(i * i + 3 * i) % vocabulary for i in range(sequences * (context + 1))]).reshape(
        sequences, context + 1
    )


def transformer(layers, width, heads, context, vocabulary, sequences, feed_forward, with_bias, tied):
    p = Parameters(0.5)
    windows = tokens(sequences, context, vocabulary)
    table = p("tokens", vocabulary, width)
    x = table[windows[:, :-1]] + p("positions", width, context).t()
    penalties = []

    def norm(name, x):
        scale = column(p(f"{name}.scale", width, 1))
        if with_bias:
            return F.layer_norm(x, (width,), scale, column(p(f"{name}.shift", width, 1)), eps=1e-5)
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * scale

    def linear(name, x, out):
        weights = p(f"{name}.weights", out, width)
        return F.linear(x, weights, column(p(f"{name}.bias", out, 1)) if with_bias else None)

    for layer in range(layers):
        block = f"block{layer + 1}"
        joined = linear(f"{block}.attention", norm(f"{block}.norm1", x), 3 * width)
        q, k, v = (
            part.reshape(sequences, context, heads, width // heads).transpose(1, 2) for part in joined.chunk(3, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
        x = x + linear(f"{block}.projection", mixed.reshape(sequences, context, width), width)
        y, penalty = feed_forward(p, block, norm(f"{block}.norm2", x))
        x = x + y
        penalties.append(penalty)
    x = norm("norm", x)
    head = table if tied else p("head", vocabulary, width)
    loss = F.cross_entropy((x @ head.t()).reshape(-1, vocabulary), windows[:, 1:].reshape(-1))
    return p.result(loss, loss + sum(penalties))


def gpt():
    width = 8

    def feed_forward(p, block, x):
        h = F.linear(x, p(f"{block}.expand.weights", 4 * width, width), column(p(f"{block}.expand.bias", 4 * width, 1)))
        h = F.gelu(h, approximate="tanh")
        w, b = p(f"{block}.contract.weights", width, 4 * width), p(f"{block}.contract.bias", width, 1)
        return F.linear(h, w, column(b)), 0

    return transformer(2, width, 2, 6, 11, 3, feed_forward, with_bias=True, tied=True)


def moe():
    width, experts, active, shared, hidden, balance = 8, 4, 2, 1, 3, 0.1

    def feed_forward(p, block, x):
        def swiglu(name, units):
            gate, up, down = p(f"{name}.gate", units, width), p(f"{name}.up", units, width), p(f"{name}.down", width, units)
            return lambda x, rows: F.linear(
                F.silu(F.linear(x, gate[rows])) * F.linear(x, up[rows]), down[:, rows]
            )

        router = p(f"{block}.router", experts, width)
        routed = swiglu(f"{block}.experts", experts * hidden)
        always = swiglu(f"{block}.shared", shared * hidden)
        scores = F.linear(x, router)
        best, chosen = scores.topk(active, dim=-1)
        weights = torch.zeros_like(scores).scatter(-1, chosen, best.softmax(dim=-1))
        y = always(x, slice(None))
        for expert in range(experts):
            y = y + weights[..., expert : expert + 1] * routed(x, slice(expert * hidden, (expert + 1) * hidden))
        share = F.one_hot(chosen, experts).double().sum(dim=-2).mean(dim=(0, 1)) / active
        return y, balance * experts * (share * scores.softmax(dim=-1).mean(dim=(0, 1))).sum()

    return transformer(2, width, 2, 6, 11, 3, feed_forward, with_bias=False, tied=False)


json.dump({"torch": torch.__version__, **{f.__name__: f() for f in (cnn, resnet18, gpt, moe)}}, sys.stdout, indent=None)
print()
