"""The same program by this engine, by PyTorch and by JAX: all results, and two gradients.

Each function takes a program's lines, its three input arrays (the last one a constant) and the
gradient that arrives at each result.
"""

from types import SimpleNamespace

import numpy as np
from random_programs import run

import tinygrad_lossmix as lm

REPEATED = np.array([0, -1, 0])


def ours(lines, arrays, seeds):
    """By this engine."""
    space = _numpy_like(
        np,
        sigmoid=lm.sigmoid,
        softplus=lm.softplus,
        softmax=lm.softmax,
        logsumexp=lm.logsumexp,
    )
    leaves = [lm.Tensor(a) for a in arrays[:2]]
    results = run(lines, [*leaves, lm.constant(lm.Tensor(arrays[2]))], space)
    cost = sum((a * seed).sum() for a, seed in zip(results, seeds(results), strict=True))
    return [a.data for a in results], lm.grad(cost, leaves)


def torch():
    """The function of PyTorch."""
    import torch

    torch.set_num_threads(1)

    def reduction(function, **fixed):
        return lambda x, axis, keepdims: function(x, dim=axis, keepdim=keepdims, **fixed)

    space = _numpy_like(
        torch,
        clip=torch.clamp,
        concatenate=torch.cat,
        expand_dims=torch.unsqueeze,
        transpose=lambda x: x.permute(tuple(reversed(range(x.ndim)))),
        backwards=lambda x: x.flip(-1),
        repeated=lambda x: x[torch.tensor([0, x.shape[0] - 1, 0])],
        softplus=lambda x: torch.logaddexp(x, torch.zeros_like(x)),
        softmax=lambda x: x.softmax(-1),
        logsumexp=lambda x: x.logsumexp(-1),
        sum=reduction(torch.sum),
        mean=reduction(torch.mean),
        max=reduction(torch.amax),
        min=reduction(torch.amin),
        prod=reduction(torch.prod),
        var=reduction(torch.var, correction=0),
    )

    def theirs(lines, arrays, seeds):
        leaves = [torch.tensor(a, requires_grad=True) for a in arrays[:2]]
        results = run(lines, [*leaves, torch.tensor(arrays[2])], space)
        weights = map(torch.tensor, seeds(results))
        cost = sum((b * weight).sum() for b, weight in zip(results, weights, strict=True))
        return [b.detach().numpy() for b in results], torch.autograd.grad(cost, leaves)

    return theirs


def jax():
    """The function of JAX.

    Primitive by primitive: a compiled primitive is met again, a compiled program is not.
    """
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_disable_jit", True)
    space = _numpy_like(
        jnp,
        sigmoid=jax.nn.sigmoid,
        softplus=jax.nn.softplus,
        softmax=jax.nn.softmax,
        logsumexp=lambda x: jax.nn.logsumexp(x, axis=-1),
    )

    def theirs(lines, arrays, seeds):
        constant = jnp.asarray(arrays[2])
        results, pull = jax.vjp(lambda a, b: run(lines, [a, b, constant], space), *arrays[:2])
        return results, pull(list(map(jnp.asarray, seeds(results))))

    return theirs


PEERS = {"torch": torch, "jax": jax}


def _numpy_like(module, **more):
    """A module under NumPy's names, with what it lacks."""
    missing = {"backwards": lambda x: x[..., ::-1], "repeated": lambda x: x[REPEATED]}
    return SimpleNamespace(**vars(module) | missing | more)
