"""What is computed at one place of a loop: the NumPy functions that there is a text for."""

import re
from typing import Any

import numpy as np

from tinygrad_lossmix.compiler.calls import number
from tinygrad_lossmix.compiler.ir.trace import Traced
from tinygrad_lossmix.compiler.lowering import LOOKUPS, OF_CLASSES, added, is_class, taken
from tinygrad_lossmix.engine.derivatives import constant
from tinygrad_lossmix.engine.rules import astype, scatter
from tinygrad_lossmix.engine.table import SCIPYS
from tinygrad_lossmix.mixes.labels import one_hot

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
BY_NUMBA = (  # NumPy's as numba has them for single numbers, at every edge the same
    np.tan, np.sinh, np.cosh, np.arcsin, np.arccos, np.arctan, np.arcsinh, np.arccosh, np.arctanh,
    np.exp2, np.log2, np.log10, np.cbrt, np.deg2rad, np.rad2deg, np.floor, np.ceil, np.trunc,
    np.rint, np.hypot, np.arctan2, np.copysign, np.remainder, np.fmod, np.logaddexp,
)  # fmt: skip
ARITHMETIC: dict[Any, str] = {
    np.positive: "{}",
    constant: "{}",
    astype: "{}",
    is_class: "{}",
    one_hot: "choose({}, {one}, {zero})",
    **dict.fromkeys(LOOKUPS, "{}"),
    np.negative: "-{}",
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.divide: "{} / {}",
    np.square: "{0} * {0}",
    np.reciprocal: "{one} / {}",
    np.power: "{} ** {}",
    np.float_power: "{} ** {}",
    np.floor_divide: "floor_quotient({}, {}, {one})",
    np.absolute: "abs({})",
    np.fabs: "abs({})",
    np.maximum: "larger({}, {})",
    np.minimum: "smaller({}, {})",
    np.sign: "choose({0} > {zero}, {one}, choose({0} < {zero}, -{one}, {0}))",
    np.heaviside: "choose({0} > {zero}, {one}, choose({0} < {zero}, {zero}, {1} + {0}))",
    np.where: "choose({}, {}, {})",
    np.exp: "exp{bits}({})",
    np.log: "log{bits}({})",
    np.log1p: "log1p{bits}({})",
    **{f: f.__name__ + "({})" for f in (np.sqrt, np.sin, np.cos, np.tanh, np.expm1)},
    **{f: f"{f.__name__}({', '.join(['{}'] * f.nin)})" for f in BY_NUMBA},
    **{SCIPYS[name]: name + "({})" for name in ("erf", "erfc")},
    SCIPYS["ndtr"]: "erfc(-{} * sqrt({one} / ({one} + {one}))) / ({one} + {one})",
    SCIPYS["entr"]: "choose({0} > {zero}, -{0} * log{bits}({0}), "
    "choose({0} < {zero}, -{one} / {zero}, {0}))",
    SCIPYS["logit"]: "choose({0} + {0} + {0} > {one}, "
    "log1p{bits}(({0} + {0} - {one}) / ({one} - {0})), log{bits}({0} / ({one} - {0})))",
    SCIPYS["xlog1py"]: "choose(({0} == {zero}) & ({1} == {1}), {zero}, {0} * log1p{bits}({1}))",
}
REDUCTIONS = {
    np.add.reduce: ("0.0", "plus({}, {})"),
    np.multiply.reduce: ("1.0", "{} * {}"),
    np.maximum.reduce: ("-inf", "larger({}, {})"),
    np.minimum.reduce: ("inf", "smaller({}, {})"),
}
MODULES = {
    "math": ["cos", "erf", "erfc", "expm1", "inf", "nan", "sin", "sqrt", "tanh"],
    "numpy": [
        *("ascontiguousarray", "concatenate", "dot", "float32", "float64", "int32"),
        *(f.__name__ for f in BY_NUMBA),
    ],
    "tinygrad_lossmix.compiler.loops.vector_math": [
        *(f"{name}{bits}" for name in ("exp", "exp_to_one", "log", "log1p") for bits in (32, 64)),
        *("choose", "floor_quotient", "larger", "plus", "smaller"),
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
    if function in (np.reshape, scatter, added, taken):
        return call.dtype in FLOATS and kinds[0] == call.dtype
    if function is np.concatenate:
        return call.dtype in FLOATS and {x.dtype for x in call.args[0]} == {call.dtype}
    if function is np.matmul:
        flat = all(x.ndim <= 2 for x in call.args)
        return flat and call.dtype in FLOATS and set(kinds) == {call.dtype}
    if call.kwargs.keys() - {"dtype"} or (call.kwargs and function is not astype):
        return False
    if function in OF_CLASSES:
        return call.dtype in FLOATS or function is is_class
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
    if function in (np.where, is_class, one_hot):
        texts[0] = operands[0][0]
    template = ARITHMETIC[function]
    if function is np.exp and _is_below(call.args[0]):
        template = "exp_to_one{bits}({})"
    infix = "(" not in template and template != "{}"
    texts = [grouped(text) for text in texts] if infix else texts
    zero, one = (converted(literal(x), None, call.dtype) for x in (0, 1))
    bits = 8 * call.dtype.itemsize
    return template.format(*texts, bits=bits, zero=zero, one=one)


def _is_below(x: Traced) -> bool:
    """Whether it is seen that x ≤ 0: it is z - max z, min(z, 0), -max(z, 0) or -|z|."""
    function, args = x.function, x.args
    if function is np.subtract:
        z, peak = args
        found = getattr(peak, "function", None) == np.maximum.reduce and peak.args[0] is z
        return found and peak.ndim in (0, x.ndim)
    if function is np.negative:
        function, args = args[0].function, args[0].args
        return function is np.absolute or (function is np.maximum and 0.0 in map(number, args))
    return function is np.minimum and 0.0 in map(number, args)


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
