"""What is computed at one place of a loop: the NumPy functions that there is a text for."""

import re
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.ir.trace import Traced
from tinygrad_lossmix.compiler.loops.spelled import added, taken
from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.rules import astype, scatter

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
COMPARISONS = {
    np.equal: "{} == {}",
    np.not_equal: "{} != {}",
    np.less: "{} < {}",
    np.less_equal: "{} <= {}",
    np.greater: "{} > {}",
    np.greater_equal: "{} >= {}",
    np.isnan: "{0} != {0}",
    np.isfinite: "abs({}) < inf",
    np.isinf: "abs({}) == inf",
}
LOGIC = {
    np.logical_and: "{} & {}",
    np.logical_or: "{} | {}",
    np.logical_xor: "{} != {}",
    np.logical_not: "not {}",
    np.bitwise_and: "{} & {}",
    np.bitwise_or: "{} | {}",
    np.invert: "not {}",
}
ARITHMETIC: dict[Any, str] = {
    np.positive: "{}",
    constant: "{}",
    astype: "{}",
    taken: "{}",
    np.negative: "-{}",
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.divide: "{} / {}",
    np.square: "{0} * {0}",
    np.reciprocal: "{one} / {}",
    np.power: "{} ** {}",
    np.absolute: "abs({})",
    np.maximum: "larger({}, {})",
    np.minimum: "smaller({}, {})",
    np.sign: "choose({0} > {zero}, {one}, choose({0} < {zero}, -{one}, {0}))",
    np.heaviside: "choose({0} > {zero}, {one}, choose({0} < {zero}, {zero}, {1} + {0}))",
    np.where: "choose({}, {}, {})",
    np.exp: "exp{bits}({})",
    np.log: "log{bits}({})",
    np.log1p: "log1p{bits}({})",
    **{f: f.__name__ + "({})" for f in (np.sqrt, np.sin, np.cos, np.tanh, np.expm1)},
}
REDUCTIONS = {
    np.add.reduce: ("0.0", "plus({}, {})"),
    np.multiply.reduce: ("1.0", "{} * {}"),
    np.maximum.reduce: ("-inf", "larger({}, {})"),
    np.minimum.reduce: ("inf", "smaller({}, {})"),
}
MODULES = {
    "math": ["cos", "expm1", "inf", "nan", "sin", "sqrt", "tanh"],
    "numpy": ["array", "asarray", "ascontiguousarray", "dot", "empty", "float32", "float64"],
    "tinygrad_lossmix.compiler.loops.vector_math": [
        *("choose", "exp32", "exp64", "larger", "log1p32", "log1p64", "log32", "log64"),
        *("plus", "smaller"),
    ],
}
ATOM = re.compile(r"[\w.]*(\[[^]]*\])?|[\w.]+\([^()]*\)")  # needs no brackets around it


def supported(call: Traced) -> bool:
    """Whether there is a text for it."""
    function, kinds = call.function, [x.dtype for x in call.args if hasattr(x, "dtype")]
    if function in REDUCTIONS:
        return call.dtype in FLOATS and call.kwargs.keys() <= {"axis", "keepdims", "dtype"}
    if function is np.vdot:
        a, b = call.args
        return call.dtype in FLOATS and np.shape(a) == np.shape(b)
    if function in (np.reshape, scatter, taken, added):
        return call.dtype in FLOATS and kinds[0] == call.dtype
    if function is np.concatenate:
        return call.dtype in FLOATS and {x.dtype for x in call.args[0]} == {call.dtype}
    if function is np.matmul:
        flat = all(x.ndim <= 2 for x in call.args)
        return flat and call.dtype in FLOATS and set(kinds) == {call.dtype}
    if call.kwargs.keys() - {"dtype"} or (call.kwargs and function is not astype):
        return False
    if function in LOGIC:
        return all(kind.kind == "b" for kind in kinds)
    if function is np.where:
        mask = call.args[0]
        return call.dtype in FLOATS and (isinstance(mask, bool) or mask.dtype == bool)
    if function in COMPARISONS:
        return all(kind in FLOATS for kind in kinds)
    readable = all(kind in FLOATS or (kind.kind in "iub" and kind.isnative) for kind in kinds)
    return function in ARITHMETIC and call.dtype in FLOATS and readable


def expression(call: Traced, operands: list[tuple[str, Any]]) -> str:
    """The text of an elementwise call.

    Args:
        operands: the text of each, and its dtype: None for a Python number.
    """
    function = call.function
    if function in LOGIC:
        return LOGIC[function].format(*[grouped(text) for text, _ in operands])
    if function in COMPARISONS:
        kind = np.result_type(*[kind for _, kind in operands if kind is not None])
        texts = [converted(text, of, kind) for text, of in operands]
        return COMPARISONS[function].format(*map(grouped, texts))
    texts = [converted(text, of, call.dtype) for text, of in operands]
    if function is np.where:
        texts[0] = operands[0][0]
    infix = "(" not in ARITHMETIC[function]
    texts = [grouped(text) for text in texts] if infix else texts
    zero, one = (converted(literal(x), None, call.dtype) for x in (0, 1))
    bits = 8 * call.dtype.itemsize
    return ARITHMETIC[function].format(*texts, bits=bits, zero=zero, one=one)


def converted(text: str, kind: Any, to: Any) -> str:
    """A number in another dtype."""
    if kind == to or (kind is None and to == np.float64):
        return text
    return f"{to}({text})"


def grouped(text: str) -> str:
    """In brackets if it needs them."""
    return text if ATOM.fullmatch(text) else f"({text})"


def literal(x: Any) -> str:
    """A constant number."""
    if isinstance(x, bool | np.bool):
        return str(bool(x))
    return repr(float(x))
