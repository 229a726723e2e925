"""Trajectories of optimizers with coupled decay, clipping and schedules, computed by PyTorch in double precision.

  python optimizers.py > optimizers.json

A matrix and a vector go down a parabola with noisy gradients h*(theta - center) + noise, whose numbers both sides make
with the same generator. What PyTorch does not have (or starts differently) is written out as a rule.
"""

import json
import math

import torch
from torch.optim import SGD, Adafactor, Adagrad, Adam, AdamW, RMSprop
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, MultiStepLR, StepLR

from generator import numbers

torch.set_default_dtype(torch.float64)
STEPS = 8
COUNT = 9


def parts(flat):
    return [flat[:6].reshape(2, 3), flat[6:]]


CURVATURE = parts((numbers(COUNT, 1, 0.8).float() + 1).double())
CENTER = parts(numbers(COUNT, 2, 1.0))
START = parts(numbers(COUNT, 3, 2.0))
NOISE = [parts(numbers(COUNT, 10 + step, 1.0)) for step in range(STEPS)]


class Rule(torch.optim.Optimizer):
    """update(gradient, state, group) gives what is subtracted, times the learning rate."""

    def __init__(self, parameters, update, lr, weight_decay=0.0):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})
        self.update = update

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad + group["weight_decay"] * parameter
                parameter -= group["lr"] * self.update(gradient, self.state[parameter])


def averaged(beta, sign):
    def update(gradient, state):
        mean = beta * state.get("mean", torch.zeros_like(gradient)) + (1 - beta) * gradient
        state["mean"] = mean
        return mean.sign() if sign else mean

    return update


def trajectory(make, schedule=None, clip=None):
    theta = [start.clone().requires_grad_() for start in START]
    optimizer = make(theta)
    scheduler = schedule(optimizer) if schedule else None
    out = []
    for step in range(STEPS):
        for parameter, h, center, noise in zip(theta, CURVATURE, CENTER, NOISE[step]):
            parameter.grad = (h * (parameter - center) + noise).detach()
        if clip:
            kind, limit = clip
            if kind == "norm":
                torch.nn.utils.clip_grad_norm_(theta, limit)
            else:
                torch.nn.utils.clip_grad_value_(theta, limit)
        optimizer.step()
        if scheduler:
            scheduler.step()
        out.append([float(f"{x:.9g}") for parameter in theta for x in parameter.detach().reshape(-1)])
    return out


def warm_cosine(warm, final):
    def factor(k):
        if k < warm:
            return (k + 1) / (warm + 1)
        return final + (1 - final) * (1 + math.cos(math.pi * (k - warm) / (STEPS - warm))) / 2

    return lambda optimizer: LambdaLR(optimizer, factor)


CASES = {
    "sgd, coupled": trajectory(lambda p: SGD(p, 0.1, weight_decay=0.3)),
    "momentum, coupled": trajectory(lambda p: SGD(p, 0.05, momentum=0.9, weight_decay=0.3)),
    "nesterov, coupled": trajectory(lambda p: SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=0.3)),
    "sign, coupled": trajectory(lambda p: Rule(p, lambda g, _: g.sign(), 0.1, 2.0)),
    "signum, coupled": trajectory(lambda p: Rule(p, averaged(0.8, True), 0.1, 2.0)),
    "ema-momentum": trajectory(lambda p: Rule(p, averaged(0.9, False), 0.5)),
    "ema-momentum, coupled": trajectory(lambda p: Rule(p, averaged(0.9, False), 0.5, 0.3)),
    "adam, coupled": trajectory(lambda p: Adam(p, 0.1, weight_decay=0.3)),
    "adagrad, coupled": trajectory(lambda p: Adagrad(p, 0.3, weight_decay=0.3)),
    "rmsprop, coupled": trajectory(lambda p: RMSprop(p, 0.02, weight_decay=0.3)),
    "sgd, clipped by norm": trajectory(lambda p: SGD(p, 0.3), clip=("norm", 1.0)),
    "momentum, clipped by value, coupled": trajectory(
        lambda p: SGD(p, 0.1, momentum=0.9, weight_decay=0.3), clip=("value", 0.5)
    ),
    "adam, clipped by norm, coupled": trajectory(lambda p: Adam(p, 0.1, weight_decay=0.3), clip=("norm", 0.7)),
    "sgd, cosine": trajectory(lambda p: SGD(p, 0.3), lambda o: CosineAnnealingLR(o, STEPS)),
    "sgd, linear": trajectory(
        lambda p: SGD(p, 0.3), lambda o: LinearLR(o, start_factor=1.0, end_factor=0.25, total_iters=STEPS)
    ),
    "momentum, drops at steps": trajectory(
        lambda p: SGD(p, 0.1, momentum=0.9), lambda o: MultiStepLR(o, [3, 5], gamma=0.5)
    ),
    "momentum, drops every 3 steps": trajectory(
        lambda p: SGD(p, 0.1, momentum=0.9), lambda o: StepLR(o, 3, gamma=0.5)
    ),
    "adamw, warm-up and cosine, clipped": trajectory(
        lambda p: AdamW(p, 0.1, weight_decay=0.5), warm_cosine(3, 0.1), ("norm", 1.0)
    ),
    "adafactor, warm-up and cosine": trajectory(
        lambda p: Adafactor(p, 0.6, eps=(1.1920929e-7, 1e-3), weight_decay=0.1), warm_cosine(2, 0.2)
    ),
}

print(json.dumps({"torch": torch.__version__, "trajectories": CASES}))
