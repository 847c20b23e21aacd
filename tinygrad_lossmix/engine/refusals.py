"""What is said of a call that cannot be recorded, and what to write instead."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from tinygrad_lossmix.engine.table import spelling

# What other libraries call it, and what to write here: attributes of a Tensor, names in lm.
HABITS = {
    "requires_grad": "every Tensor is differentiated; a constant is a plain array, or t.data",
    "requires_grad_": "every Tensor is differentiated; a constant is a plain array, or t.data",
    "no_grad": "plain arrays are not recorded; compute with t.data",
    "zero_grad": "leave it out; backward() replaces .grad and adds nothing to it",
    "detach": "write t.data for the values, lm.constant(t) for a constant that replays",
    "numpy": "write t.data",
    "tolist": "write t.data.tolist()",
    "tensor": "write lm.Tensor(x)",
    "clone": "write +t",
    "abs": "write abs(t)",
    "view": "write t.reshape(-1, 2)",
    "unsqueeze": "write np.expand_dims(t, 0)",
    "permute": "write t.transpose(1, 0)",
    "gather": "write np.take_along_axis(t, y[:, None], -1)",
    "norm": "write np.linalg.norm(t)",
    "relu": "write np.maximum(t, 0.0)",
    "sigmoid": "write lm.sigmoid(t)",
    "softmax": "write lm.softmax(t)",
    "log_softmax": "write lm.log_softmax(t)",
    "logsumexp": "write lm.logsumexp(t)",
    "softplus": "write lm.softplus(t)",
    "dtype": "write .astype(np.float32)",
    "dim": "write axis=, or t.ndim",
    "keepdim": "write keepdims=",
    "masked_fill": "write np.where(mask, x, t)",
    "to": "leave it out; arrays are NumPy's",
}
SEVERAL = "it gives several arrays, and a rule is of one: compute plain values, of t.data"
INSTEAD: dict[Any, str] = {
    np.copyto: "an array holds no Tensors (np.full, np.full_like, np.copyto): build a new one, "
    "np.broadcast_to(t, shape) or np.where(mask, t, x)",
    np.meshgrid: "write x[None, :] and y[:, None], which are broadcast",
    np.kron: "write (t[:, None, :, None] * u[:, None]).reshape(len(t) * len(u), -1)",
    np.block: "join with np.vstack([t, u]) and np.hstack([t, u])",
    np.divmod: "write x // y and x % y",
    **dict.fromkeys((np.linalg.svd, np.linalg.eig, np.linalg.eigh, np.linalg.qr), SEVERAL),
    **{  # by name: to look at np.fft would import it
        f"np.fft.{name}": "its values are complex, a Tensor's are real: write t @ F.real and "
        f"t @ F.imag, where F is np.fft.{name}(np.eye(n))"
        for name in ("fft", "ifft", "rfft")
    },
    **{
        getattr(np, f"nan{f}"): f"leave NaN out before, np.{f}(t[~np.isnan(t)])"
        for f in ("sum", "prod", "mean", "var", "std", "max", "min", "median")
    },
    **dict.fromkeys((np.quantile, np.percentile), "write np.median(t), or np.sort(t)[k]"),
    np.pad: "it takes constant, edge, reflect, symmetric, wrap; join others, np.append(u, t)",
    np.linalg.norm: "it takes None, 'fro' and, over one axis, 1, 2, inf, -inf; write another as a "
    "formula, np.sum(abs(t) ** p) ** (1 / p)",
}


class Habit:
    """An attribute that a Tensor has elsewhere: to read or to set it raises AttributeError.

    One for each, since a `__getattr__` would cost every attribute of a Tensor, 5 % of a step.
    """

    def __init__(self, name: str, advice: str) -> None:
        self.name, self.advice = name, advice

    def __get__(self, tensor: Any, owner: Any) -> NoReturn:
        raise AttributeError(f"a Tensor has no attribute {self.name!r}: {self.advice}")

    __set__ = __get__


class Spoken(type):
    """The type of a class with habits that completion and help do not list."""

    def __dir__(cls) -> list[str]:
        return [n for n in super().__dir__() if not isinstance(vars(cls).get(n), Habit)]


class NoArray:
    """What an array does and a Tensor does not, with what to do instead."""

    __slots__ = ()
    _value: Any
    __divmod__ = __rdivmod__ = lambda self, other: np.divmod(self, other)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise TypeError("a Tensor cannot be assigned to; build a new one: np.where(mask, x, t)")

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise TypeError(
            "a Tensor does not turn into an array by itself, the gradient would be lost: use "
            "t.data for its values, np.stack([t, u]) to join Tensors, np.where(mask, t, x) to "
            "assign, and for SciPy's: lm.softmax, lm.log_softmax, lm.logsumexp"
        )

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            "a Tensor is not copied or pickled, its recording is not part of it: use t.data"
        )


def plain(value: Any) -> Any:
    """What a function without a derivative gets: arrays in place of Tensors, in lists too."""
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    return value._value if isinstance(value, NoArray) else value


def unknown(call: str, options: Iterable[str], function: Any = None) -> TypeError:
    """The error for keywords that a call on a Tensor does not take."""
    names = sorted(options)
    advice = HABITS.get(names[0], INSTEAD.get(function))
    return TypeError(f"{call} does not take {', '.join(names)}{f': {advice}' if advice else ''}")


def refuse_out(function: Any, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Raise TypeError where a call names an array to write into."""
    out = kwargs.get("out")
    if out is None:
        return
    if isinstance(out, tuple) and inputs and out[0] is inputs[0]:
        raise TypeError(
            f"an array holds no Tensors: write a = {spelling(function)}(a, t), not in place as "
            "a += t does"
        )
    raise TypeError(
        f"{spelling(function)}(…, out=…) would overwrite values that gradients need: "
        "drop out=, or work on t.data"
    )


def no_rule(function: Any, method: str = "__call__", options: Iterable[str] = ()) -> TypeError:
    """The error for a call that the table does not know, with the line that would add it."""
    name = spelling(function)
    if method != "__call__":
        return TypeError(
            f"{name}.{method} has no derivative rule: spell it out in functions that have one, or "
            "compute a plain value of t.data"
        )
    if options:
        return unknown(f"{name} on a Tensor", options, function)
    if advice := INSTEAD.get(function, INSTEAD.get(name)):
        return TypeError(f"{name} has no derivative rule: {advice}")
    if getattr(function, "nout", 1) > 1:
        return TypeError(
            f"{name} gives {function.nout} arrays, and a derivative rule is of one: compute plain "
            f"values, {name} of t.data"
        )
    arity = _arity(function)
    rules = ", ".join([f"lambda g, z, {', '.join('xyuvw'[:arity])}: …"] * arity)
    plain = f"{name}(t.data)" if arity == 1 else f"{name} of t.data"
    return TypeError(
        f"{name} has no derivative rule: add one with lm.derivative({name}, {rules}), where g is "
        f"the gradient arriving at the output z, or compute a plain value with {plain}"
    )


def _arity(function: Any) -> int:
    """How many arguments a function of NumPy needs."""
    if isinstance(function, np.ufunc):
        return function.nin
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # of older NumPys what is written in C has none: np.inner, np.vdot …
        return 2
    required = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    return max(len(required), 1)


def cut(what: str, value: Any) -> TypeError:
    """The error for a result through which no gradient flows: a number, an array."""
    return TypeError(
        f"{what} is of type {value.__class__.__name__}, not a Tensor: float(t), t.item(), t.data, "
        "math.log(t), comparisons and np.sign(t) leave the recording, and no gradient flows "
        "through them; return what NumPy makes of the arguments, such as np.log(t).sum()"
    )
