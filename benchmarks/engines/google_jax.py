"""JAX: eager, and compiled by XLA."""

import formulas
import jax
import jax.numpy as jnp
import numpy as np

from engines import Engine

jax.config.update("jax_enable_x64", True)


def eager(loss):
    both = jax.value_and_grad(lambda parameters: loss(*parameters))

    def step(*arrays):
        value, gradients = both(tuple(map(jnp.asarray, arrays)))
        return float(value), tuple(map(np.asarray, gradients))

    return step


def jitted(loss):
    both = jax.jit(jax.value_and_grad(lambda parameters: loss(*parameters)))

    def step(*arrays):  # it converts arrays itself, faster than jnp.asarray
        value, gradients = both(arrays)
        return float(value), tuple(map(np.asarray, gradients))

    return step


def built(differentiated):
    def build(case):
        x = None if case.x is None else jnp.asarray(case.x)
        return differentiated(formulas.loss(jnp, case, jnp.asarray(case.y), x))

    return build


def jitted_classes(case):
    y = jnp.asarray(case.y)[:, None]

    def loss(z):
        shifted = z - jax.lax.stop_gradient(z.max(axis=-1, keepdims=True))
        picked = jnp.take_along_axis(shifted, y, axis=-1)[:, 0]
        return jnp.mean(jnp.log(jnp.sum(jnp.exp(shifted), axis=-1)) - picked)

    return jitted(loss)


ENGINES = (
    Engine("JAX", built(eager), eager),
    Engine("JAX, jit", built(jitted), classes=jitted_classes),
)
