"""Arguments of a compiled function: arrays are traced, all else is a constant, compared by value.

Two calls may use the same code only if all that is baked into it is the same: types too, all the
way down.

>>> kind((2, None)) == kind((2, None)), kind((2,)) == kind((2.0,)), kind(0.0) == kind(-0.0)
(True, False, False)
"""

from collections.abc import Callable
from enum import Enum
from types import BuiltinFunctionType, EllipsisType, FunctionType, ModuleType, NoneType
from typing import Any

import numpy as np

from tinygrad_lossmix.mixes.mix import Mix

Arguments = tuple[Any, ...]
BY_VALUE = {bool, int, str, bytes, NoneType, EllipsisType, Mix}
BY_IDENTITY = (
    FunctionType, BuiltinFunctionType, ModuleType, type, Enum, np.dtype, np.ufunc, type(np.sum),
)  # fmt: skip


def constant(position: int, x: Any) -> Any:
    """An argument that is not differentiated, as the code gets it: arrays, and lists as arrays.

    Raises TypeError for an array of a class of its own, and for what is not made of numbers.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"argument {position} is masked: fill the masked entries, x.filled(0)")
    if not isinstance(x, np.ndarray | np.generic | list):
        return x
    array, of = np.asarray(x), type(x)
    known = of in (np.ndarray, np.memmap, list) or isinstance(x, np.generic)
    if not known or array.dtype.kind not in "biufc":
        raise TypeError(
            f"argument {position} is a {of.__name__} of {array.dtype}: a compiled function takes "
            "plain arrays of numbers, np.asarray(x, dtype=float)"
        )
    return array


def kind(x: Any, within: str = "") -> Any:
    """What a constant has in common with all those that the same code serves, compared by ==.

    Raises TypeError for an object that may change: nobody could tell whether it had.
    """
    of = type(x)
    if of in BY_VALUE or isinstance(x, BY_IDENTITY):
        return of, x
    if of is float or of is complex:
        return of, repr(x)  # NaN is the same again, -0.0 is not 0.0
    if isinstance(x, np.generic):
        return of, x.dtype, x.tobytes()
    if of is slice:
        return of, kind(x.start), kind(x.stop), kind(x.step)
    if of is tuple or (isinstance(x, tuple) and hasattr(of, "_fields")):
        return of, *[kind(part, " in a tuple") for part in x]
    raise TypeError(
        f"{of.__name__}{within} cannot be an argument of a compiled function: whether it changed "
        "between two calls cannot be told. Pass arrays, each as an argument of its own, numbers, "
        "strings, None, functions, or tuples of those"
    )


def guard(arguments: Arguments) -> Callable[[Arguments], bool]:
    """Whether arguments are like these: as text, since it is asked at every call."""
    names = [f"a{i}" for i in range(len(arguments))]
    tests: list[str] = []
    given: dict[str, Any] = {"ndarray": np.ndarray}
    for name, x in zip(names, arguments, strict=True):
        if type(x) is np.ndarray:
            given[f"{name}_dtype"] = x.dtype
            tests.append(f"type({name}) is ndarray")
            tests.append(f"{name}.shape == {x.shape} and {name}.dtype is {name}_dtype")
        else:
            given[f"{name}_value"] = x
            tests.append(f"{name} is {name}_value")
    source = f"""def matches(args):
    if len(args) == {len(arguments)}:
        {"".join(f"{name}, " for name in names) + "= args" if names else "pass"}
        return {" and ".join(tests) or True}
    return False
"""
    exec(source, given)
    return given["matches"]  # type: ignore[no-any-return]
