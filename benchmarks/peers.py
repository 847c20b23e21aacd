"""The same program by this engine, by PyTorch, by JAX, and compiled: values, and two gradients.

Each side takes a program, its three input arrays (the last one a constant) and the gradient that
arrives at each result. Its first value is the cost, the sum of all results times these.
"""

import re
import warnings
from types import SimpleNamespace

import numpy as np
import scipy.special
from random_programs import run

import tinygrad_lossmix as lm
from tinygrad_lossmix.compiler.loops import backend as numbas
from tinygrad_lossmix.compiler.loops.backend import NotCompiledWarning

LAYERS = ("sigmoid", "softplus", "softmax", "log_softmax", "log_sigmoid", "logsumexp")
OURS = {name: getattr(lm, name) for name in LAYERS} | {
    "backwards": lambda x: x[..., ::-1],
    "log_sum": lambda x, axis: np.logaddexp.reduce(x, axis=axis),
}
NUMPY = SimpleNamespace(**vars(np) | vars(scipy.special) | OURS)


def cost(results, seeds):
    return sum((x * seed).sum() for x, seed in zip(results, seeds, strict=True))


def ours(calls, arrays, seeds):
    """By this engine, interpreted."""
    leaves = [lm.Tensor(a) for a in arrays[:2]]
    results = run(calls, [*leaves, arrays[2]], NUMPY)
    values = [x.data if isinstance(x, lm.Tensor) else x for x in results]
    total = cost(results, seeds)
    return [total.data, *values], lm.grad(total, leaves)


def compiled(backend):
    """By this engine, compiled; no value but the cost."""

    def theirs(calls, arrays, seeds):
        def f(a, b, c):
            return cost(run(calls, [a, b, c], NUMPY), seeds)

        both = lm.compile(f, wrt=(0, 1), backend=backend)
        with warnings.catch_warnings():
            warnings.simplefilter("error", NotCompiledWarning)
            both(*[a + 1 for a in arrays])  # what it leaves in its arrays is of no consequence
            value, gradients = both(*arrays)
        return [value], gradients

    return theirs


def loops():
    """The loops that numba would compile, run as Python: no compiling, a fiftieth of the time."""

    def run(source, types, numbers):
        text = re.sub(r"(?m)^from .*", "", source)
        text = re.sub(r"(?<![\w.])\d+\.\d*(e[+-]?\d+)?", r"float64(\g<0>)", text)  # 1/0 is no error
        space = vars(np) | NUMBER_BY_NUMBER
        exec(text, space)
        return lambda *xs: space["loops"](*[np.float64(x) if type(x) is float else x for x in xs])

    numbas.machine_code = run
    return compiled("numba")


def torch():
    """By PyTorch, under the names of NumPy that it has for its own functions."""
    import torch
    import torch._numpy as like

    torch.set_num_threads(1)

    def given(function):
        return lambda *xs, **how: like.asarray(function(*[x.tensor for x in xs], **how))

    def dot(x, y):
        return torch.tensordot(x, y, ([-1], [max(-2, -y.ndim)])) if x.ndim and y.ndim else x * y

    own = {
        "backwards": lambda x: x.flip(-1),
        "cbrt": lambda x: x.sign() * x.abs() ** (1 / 3),
        "dot": dot,
        "floor_divide": lambda x, y: (x.detach() / y.detach()).floor(),
        "heaviside": lambda x, y: torch.where(x == 0, y, (x > 0).to(x.dtype)),
        "delete": lambda x, obj, axis: x.narrow(axis, obj + 1, x.shape[axis] - 1),
        "log_expit": torch.nn.functional.logsigmoid,
        "log_sigmoid": torch.nn.functional.logsigmoid,
        "log_softmax": lambda x: x.log_softmax(-1),
        "log_sum": lambda x, axis: x.logsumexp(axis),
        "logsumexp": lambda x: x.logsumexp(-1),
        "median": lambda x, axis, keepdims: torch.quantile(x, 0.5, dim=axis, keepdim=keepdims),
        "outer": lambda x, y: torch.outer(x.ravel(), y.ravel()),
        "rel_entr": lambda x, y: torch.xlogy(x, x) - torch.xlogy(x, y),
        "rollaxis": lambda x, axis: x.movedim(axis, 0),
        "sigmoid": torch.sigmoid,
        "softmax": lambda x: x.softmax(-1),
        "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    }
    for name in ("erf", "erfc", "ndtr", "expit", "entr", "logit", "xlogy", "xlog1py"):
        own[name] = getattr(torch.special, name)
    space = SimpleNamespace(
        **vars(like) | {name: given(function) for name, function in own.items()}
    )
    space.full_like = lambda x, value: like.broadcast_to(value, x.shape)

    def theirs(calls, arrays, seeds):
        leaves = [torch.tensor(a, requires_grad=True) for a in arrays[:2]]
        results = run(calls, [*map(like.asarray, leaves), like.asarray(arrays[2])], space)
        total = cost(results, seeds)
        gradients = torch.autograd.grad(total.tensor, leaves)
        return [x.tensor.detach().numpy() for x in (total, *results)], gradients

    return theirs


def jax():
    """By JAX: its functions and derivatives, primitive by primitive; most arithmetic by NumPy."""
    import jax
    import jax.numpy as jnp
    from jax.extend.core import primitives

    def on_arrays(function):
        return lambda *xs, **how: jax.device_put(np.asarray(function(*map(np.asarray, xs), **how)))

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_disable_jit", True)
    for name, function in ARITHMETIC.items():
        getattr(primitives, f"{name}_p").def_impl(on_arrays(function))
    own = {name: getattr(jax.nn, name) for name in LAYERS} | {
        "backwards": OURS["backwards"],
        "log_expit": jax.nn.log_sigmoid,
        "log_sum": lambda x, axis: jax.nn.logsumexp(x, axis=axis),
        "logsumexp": lambda x: jax.nn.logsumexp(x, axis=-1),
    }
    space = SimpleNamespace(**vars(jax.scipy.special) | vars(jnp) | own)

    def theirs(calls, arrays, seeds):
        constant = jnp.asarray(arrays[2])
        results, pull = jax.vjp(lambda a, b: run(calls, [a, b, constant], space), *arrays[:2])
        return [cost(results, seeds), *results], pull(list(map(jnp.asarray, seeds)))

    return theirs


def _of(function):
    """A NumPy function of arrays alone: what a primitive says beside them does not matter."""
    return lambda *xs, **_: function(*xs)


def _broadcast(x, shape, broadcast_dimensions, **_):
    at = dict(zip(broadcast_dimensions, x.shape, strict=True))
    return np.broadcast_to(x.reshape([at.get(i, 1) for i in range(len(shape))]), shape)


# XLA takes 40 ms for a primitive on shapes that it has not met: it is left with those that move
# entries by index, products of matrices and what NumPy lacks
# fmt: off
SAME = "exp exp2 log log1p expm1 sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh atan2"
OTHERS = {"sub": "subtract", "mul": "multiply", "div": "divide", "neg": "negative", "pow": "power",
          "max": "maximum", "min": "minimum", "eq": "equal", "ne": "not_equal", "lt": "less",
          "le": "less_equal", "gt": "greater", "ge": "greater_equal", "and": "bitwise_and",
          "or": "bitwise_or", "not": "invert", "rem": "fmod", "is_finite": "isfinite"}
OTHERS |= {name: name for name in f"{SAME} add abs cbrt floor sign sqrt square".split()}
ARITHMETIC = {name: _of(getattr(np, numpys)) for name, numpys in OTHERS.items()} | {
    "broadcast_in_dim": _broadcast,
    "concatenate": lambda *xs, dimension: np.concatenate(xs, dimension),
    "convert_element_type": lambda x, new_dtype, **_: x.astype(new_dtype),
    "integer_pow": lambda x, y, **_: x**y,
    "logistic": lambda x, **_: 1 / (1 + np.exp(-x)),
    "reduce_max": lambda x, axes, **_: x.max(axes),
    "reduce_min": lambda x, axes, **_: x.min(axes),
    "reduce_sum": lambda x, axes, **_: x.sum(axes),
    "reshape": lambda x, new_sizes, dimensions, **_:
        (x if dimensions is None else x.transpose(dimensions)).reshape(new_sizes),
    "rev": lambda x, dimensions: np.flip(x, dimensions),
    "select_n": lambda which, *cases: np.choose(which.astype(int), cases),
    "squeeze": lambda x, dimensions: x.squeeze(dimensions),
    "transpose": lambda x, permutation: x.transpose(permutation),
}
# fmt: on

# what loops call that is neither NumPy's nor the same there
NUMBER_BY_NUMBER = {
    "abs": abs,
    "choose": lambda mask, x, y: x if mask else y,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "exp_to_one64": lambda x: np.minimum(np.exp(x), 1.0),
    "floor_quotient": lambda x, y, one: np.floor_divide(x, y),
    "larger": np.maximum,
    "plus": np.add,
    "range": range,
    "smaller": np.minimum,
} | {f"{name}64": getattr(np, name) for name in ("exp", "log", "log1p")}

PEERS = {
    "torch": torch,
    "jax": jax,
    "numpy": lambda: compiled("numpy"),
    "numba": lambda: compiled("numba"),
    "loops": loops,
}
