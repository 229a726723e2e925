"""JAX: the standard Adam step of one cell, vmap over learning rates (shared minibatch) and over seeds, scan over steps."""

import functools
import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy

from contender import example_indices, serve

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def mean_cross_entropy(logits, y):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[..., None], axis=-1))


def mlp_loss(parameters, x, y):
    w1, b1, w2, b2 = parameters
    return mean_cross_entropy(jax.nn.relu(x @ w1 + b1) @ w2 + b2, y)


def convolved(x, weights, bias):
    y = jax.lax.conv_general_dilated(x, weights, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(y + bias)


def pooled(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def cnn_loss(parameters, x, y):
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = parameters
    x = convolved(x.reshape(-1, 28, 28, 1), w1, b1)
    x = pooled(convolved(x, w2, b2))
    x = pooled(convolved(x, w3, b3)).reshape(x.shape[0], -1)
    return mean_cross_entropy(jax.nn.relu(x @ w4 + b4) @ w5 + b5, y)


def layer_norm(x, scale, shift):
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale + shift


def gpt_loss(heads):
    def loss(parameters, windows, _):
        table, positions, *rest = parameters
        *blocks, scale, shift = rest
        batch, context = windows.shape[0], windows.shape[1] - 1
        width = table.shape[1]
        x = table[windows[:, :-1]] + positions
        mask = jnp.tril(jnp.ones((context, context), dtype=bool))
        for i in range(0, len(blocks), 12):
            s1, h1, wa, ba, wp, bp, s2, h2, we, be, wc, bc = blocks[i : i + 12]
            joined = (layer_norm(x, s1, h1) @ wa + ba).reshape(batch, context, 3, heads, width // heads)
            q, k, v = joined.transpose(2, 0, 3, 1, 4)
            scores = q @ k.transpose(0, 1, 3, 2) / (width // heads) ** 0.5
            mixed = jax.nn.softmax(jnp.where(mask, scores, -1e30), axis=-1) @ v
            x = x + mixed.transpose(0, 2, 1, 3).reshape(batch, context, width) @ wp + bp
            x = x + jax.nn.gelu(layer_norm(x, s2, h2) @ we + be, approximate=True) @ wc + bc
        return mean_cross_entropy(layer_norm(x, scale, shift) @ table.T, windows[:, 1:])

    return loss


def shapes_of(task):
    """The loss, and (shape, standard deviation) of each parameter; None stands for ones."""
    model = task["model"]
    if model["kind"] == "mlp":
        sizes = (task["features"], model["hidden"], task["classes"])
        return mlp_loss, [
            ((sizes[0], sizes[1]), (2 / sizes[0]) ** 0.5),
            ((sizes[1],), 0),
            ((sizes[1], sizes[2]), (2 / sizes[1]) ** 0.5),
            ((sizes[2],), 0),
        ]
    if model["kind"] == "cnn":
        layers = [((3, 3, 1, 16), 9), ((3, 3, 16, 16), 144), ((3, 3, 16, 32), 144), ((1568, 64), 1568), ((64, 10), 64)]
        return cnn_loss, [
            entry for shape, fan_in in layers for entry in ((shape, (2 / fan_in) ** 0.5), ((shape[-1],), 0))
        ]
    width = model["width"]
    block = [
        ((width,), None),
        ((width,), 0),
        ((width, 3 * width), 0.02),
        ((3 * width,), 0),
        ((width, width), 0.02),
        ((width,), 0),
        ((width,), None),
        ((width,), 0),
        ((width, 4 * width), 0.02),
        ((4 * width,), 0),
        ((4 * width, width), 0.02),
        ((width,), 0),
    ]
    first = [((task["classes"], width), 0.02), ((model["context"], width), 0.02)]
    return gpt_loss(model["heads"]), first + model["layers"] * block + [((width,), None), ((width,), 0)]


def step(loss_of, carry, x, y, rate):
    parameters, first, second, count = carry
    loss, gradients = jax.value_and_grad(loss_of)(parameters, x, y)
    count = count + 1
    first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, gradients)
    correction1 = 1 - BETA1**count
    correction2 = 1 - BETA2**count
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * (m / correction1) / (jnp.sqrt(v / correction2) + EPSILON),
        parameters,
        first,
        second,
    )
    return (parameters, first, second, count), loss


def prepare(task, examples, labels):
    x = jnp.asarray(examples)
    y = jnp.zeros(len(examples), dtype=jnp.int32) if labels is None else jnp.asarray(labels)
    rates = jnp.asarray(task["learningRates"], dtype=jnp.float32)
    seeds, columns = len(task["seeds"]), len(task["learningRates"])
    loss_of, shapes = shapes_of(task)

    over_rates = jax.vmap(functools.partial(step, loss_of), in_axes=(0, None, None, 0))
    over_seeds = jax.vmap(over_rates, in_axes=(0, 0, 0, None))

    def chunk(carry, indices, x, y):
        return jax.lax.scan(lambda c, index: over_seeds(c, x[index], y[index], rates), carry, indices)

    train = jax.jit(chunk, donate_argnums=0)

    def initial(shape, scale):
        if scale is None:
            return jnp.ones((seeds, columns, *shape), dtype=jnp.float32)
        drawn = [numpy.random.default_rng(seed).normal(0, scale, shape) for seed in task["seeds"]]
        return jnp.asarray(numpy.repeat(numpy.stack(drawn)[:, None], columns, axis=1), dtype=jnp.float32)

    parameters = tuple(initial(*entry) for entry in shapes)
    carry = (
        parameters,
        jax.tree.map(jnp.zeros_like, parameters),
        jax.tree.map(jnp.zeros_like, parameters),
        jnp.zeros((seeds, columns), dtype=jnp.float32),
    )

    def run(first_step):
        nonlocal carry
        indices = numpy.stack([example_indices(task, s, first_step) for s in task["seeds"]], axis=1)
        carry, losses = train(carry, indices.astype(numpy.int32), x, y)
        return task["chunkSteps"] * seeds * columns, float(numpy.asarray(losses)[-1].mean())

    return run


serve(prepare, f"JAX {jax.__version__}")
