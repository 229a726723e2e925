"""JAX: the standard Adam step of one cell, vmap over learning rates (shared minibatch) and over seeds, scan over steps."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy

from contender import example_indices, serve

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def loss_of(parameters, x, y):
    w1, b1, w2, b2 = parameters
    logits = jax.nn.relu(x @ w1 + b1) @ w2 + b2
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1))


def step(carry, x, y, rate):
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


def prepare(task, images, labels):
    x = jnp.asarray(images)
    y = jnp.asarray(labels)
    rates = jnp.asarray(task["learningRates"], dtype=jnp.float32)
    seeds, columns = len(task["seeds"]), len(task["learningRates"])

    over_rates = jax.vmap(step, in_axes=(0, None, None, 0))
    over_seeds = jax.vmap(over_rates, in_axes=(0, 0, 0, None))

    def chunk(carry, indices, images, labels):
        return jax.lax.scan(lambda c, index: over_seeds(c, images[index], labels[index], rates), carry, indices)

    train = jax.jit(chunk, donate_argnums=0)

    def initial(shape, scale):
        drawn = [numpy.random.default_rng(seed).normal(0, scale, shape) for seed in task["seeds"]]
        return jnp.asarray(numpy.repeat(numpy.stack(drawn)[:, None], columns, axis=1), dtype=jnp.float32)

    sizes = (task["features"], task["hidden"], task["classes"])
    parameters = (
        initial((sizes[0], sizes[1]), (2 / sizes[0]) ** 0.5),
        initial((sizes[1],), 0),
        initial((sizes[1], sizes[2]), (2 / sizes[1]) ** 0.5),
        initial((sizes[2],), 0),
    )
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
