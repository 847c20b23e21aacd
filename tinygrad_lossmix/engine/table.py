"""The table of derivatives: what a row holds, how one is added, how its functions dispatch.

`derivatives.py` fills it, `tensor.py` and `sweep.py` read it. Keys are the functions that are
called: NumPy's, which NumPy dispatches, and others, `dispatched` here in the same way.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]  # or the scalar that NumPy gives in place of a 0-d one
Rule = Callable[..., Any]
INTEGER = "iu"  # kinds of dtypes
REAL = "fiub"


class Row:
    """One function: a rule per positional argument, and how to compute its value.

    No named tuple, with which it takes 3 % longer to record x * y.
    """

    __slots__ = ("forward", "rules")

    def __init__(self, rules: Any, forward: Callable[..., Any]) -> None:
        self.rules = rules  # indexed by the argument's position; None: not differentiated
        self.forward = forward


TABLE: dict[Any, Row] = {}
COMPOSED: dict[Any, Callable[..., Any]] = {}  # NumPy functions spelled out in others of the table
PLAIN: set[Any] = set()  # functions without a derivative: plain arrays and values come out
REDUCTIONS: dict[Any, Any] = {}  # ufunc -> the NumPy function that is its `reduce`
SCIPYS: dict[str, Callable[..., Any]] = {}  # by the name of a ufunc of SciPy's: what is called
NUMPYS = np.ufunc, type(np.sum)  # the types of what NumPy dispatches
signature = functools.cache(inspect.signature)  # a sixth of np.flip


def spelling(function: Any) -> str:
    """How a user writes the name of a function: `np.exp`, `softmax`."""
    name = getattr(function, "__name__", repr(function))
    if vars(np).get(name) is function:  # a ufunc does not say where it is from
        return f"np.{name}"
    module = getattr(function, "__module__", None) or ""
    parts = module.split(".") if module.startswith("numpy") else []
    public = [part for part in parts[1:] if not part.startswith("_")]
    return ".".join(["np", *public, name] if parts else [name])


def definition(ufunc: Any, method: str) -> Callable[..., Any] | None:
    """What is called in place of a ufunc without a row, or of a method of one; None: not known.

    A ufunc of SciPy's is known by its name, so that SciPy is not imported.
    """
    if method != "__call__":
        return COMPOSED.get(getattr(ufunc, method))
    name: str = ufunc.__name__
    if getattr(sys.modules.get("scipy.special"), name, None) is ufunc:
        return SCIPYS.get(name)
    return COMPOSED.get(vars(np).get(name))  # np.clip has a ufunc, which arrays call


def is_duck(value: Any) -> bool:
    """Whether value passes for an array and is none: NumPy's calls on it go to itself (NEP 18)."""
    kind = type(value)
    if kind is np.ndarray:  # most are: 3 % of lm.sigmoid
        return False
    return isinstance(value, np.ndarray) and not issubclass(kind, np.ndarray)


def dispatched(
    function: Callable[..., Any], relevant: Callable[..., tuple[Any, ...]] | None = None
) -> Any:
    """A function that asks its arguments first, by `__array_function__`, as NumPy's do (NEP 18).

    Where none of them answers, it is called itself: the NumPy functions in it ask again.

    Args:
        function: what to call.
        relevant: of the same arguments, those to ask; without it all of them.
    """

    @functools.wraps(function)
    def public(*args: Any, **kwargs: Any) -> Any:
        asked = args
        if relevant or kwargs:
            asked = relevant(*args, **kwargs) if relevant else (*args, *kwargs.values())
        for arg in asked:
            kind: Any = type(arg)
            if kind is not np.ndarray and _answers(kind):
                answer = arg.__array_function__(public, (kind,), args, kwargs)
                if answer is not NotImplemented:
                    return answer
        return function(*args, **kwargs) if kwargs else function(*args)

    public.__name__ = getattr(function, "__name__", repr(function))
    return public


@functools.lru_cache(256)  # to look at every call would cost one stable node 4 %
def _answers(kind: type) -> bool:
    return hasattr(kind, "__array_function__") and not issubclass(kind, np.ndarray)


def row(function: Any, *rules: Rule | None, forward: Callable[..., Any] | None = None) -> Any:
    """Put a function in the table: its rules, one per positional argument, and its value.

    None in place of a rule: not differentiated. No `forward`: the function itself, without asking
    where it is `dispatched`.
    """
    own = function if isinstance(function, NUMPYS) else getattr(function, "__wrapped__", function)
    TABLE[function] = Row(rules, forward or own)
    return function


def composed(function: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated definition of a NumPy function in terms of others."""

    def register(definition: Callable[..., Any]) -> Callable[..., Any]:
        definition.__qualname__ = spelling(function)  # what Python calls it in an error
        COMPOSED[function] = definition
        return definition

    return register


def sorted_out(
    function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], Mapping[str, Any], set[str]]:
    """The operands and the options of a NumPy call, however written, and names of other options."""
    rules = TABLE[function].rules
    options = _options(next(filter(None, rules), None))
    if len(args) <= len(rules) and kwargs.keys() <= options:
        return args, kwargs, set()
    call = signature(function)
    given, known = call.bind_partial(*args, **kwargs).arguments, call.parameters
    names = list(known)[: len(rules)]
    operands = tuple(given.pop(name) for name in names if name in given)
    asked = {k for k, v in given.items() if v is not None and v is not known[k].default}
    return operands, {k: v for k, v in given.items() if k in options}, asked - options


@functools.cache
def _options(rule: Rule | None) -> frozenset[str]:
    """Of a rule, by their names."""
    if rule is None:
        return frozenset()
    parameters = inspect.signature(rule).parameters.values()
    return frozenset(p.name for p in parameters if p.default is not p.empty)


def derivative(function: Any, *rules: Rule | None) -> Any:
    """Add `function` to the table of derivatives, or replace its row.

    Args:
        function: a NumPy function, or one of your own that takes and returns plain arrays.
        rules: one per positional argument, `rule(g, z, *args, **kwargs)`, in plain NumPy: g is the
            gradient arriving at the output z, the result is the gradient passed on to that
            argument, in the shape of g (undoing broadcasting is not the rule's business). What a
            rule is given is read-only. None: this argument is not differentiated.

    Returns:
        what to call: a NumPy function itself, or your function made to record Tensors.

    Raises:
        TypeError: function or a rule is not callable, or there is no rule; when it is called: the
            value is not made of floats, there are more arguments than rules.

    >>> _ = derivative(np.rint, lambda g, z, x: g)  # rounds, and passes the gradient straight on
    >>> cube = derivative(lambda x: x**3, lambda g, z, x: 3 * g * x * x)
    >>> from tinygrad_lossmix import Tensor
    >>> x = Tensor(2.0)
    >>> cube(x).backward()
    >>> x.grad
    array(12.)
    """
    if not rules or not all(rule is None or callable(rule) for rule in (function or 0, *rules)):
        raise TypeError(
            "derivative(function, *rules) takes functions, a rule per positional argument, lambda "
            "g, z, x: …; None stands for no rule"
        )
    again = [known for known in TABLE if getattr(known, "__wrapped__", None) is function]
    function = again[0] if again else function
    if len(rules) < (needed := getattr(function, "nin", 1)):
        raise TypeError(
            f"{spelling(function)} takes {needed} arguments: give a rule for each, None: not "
            "differentiated"
        )
    rules = tuple([rule and _guarded(rule) for rule in rules])
    PLAIN.discard(function)
    COMPOSED.pop(function, None)
    if function in TABLE:
        return row(function, *rules, forward=TABLE[function].forward)
    public = function if isinstance(function, NUMPYS) else dispatched(function)

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Array:
        """The value, of a function not known to leave its arguments and its value alone."""
        if len(args) > (known := len(TABLE[public].rules)):
            raise TypeError(
                f"{spelling(function)} has {known} derivative rules for {len(args)} "
                "positional arguments: give one for each, None: not differentiated"
            )
        value = function(*map(_unwritable, args), **kwargs)
        if isinstance(value, np.ndarray | np.generic | float):
            value = np.asarray(value)
            if value.dtype.kind == "f":  # a copy, in native byte order: it may write into its own
                return value.astype(value.dtype.type)[()]
        kind = getattr(value, "dtype", type(value).__name__)
        raise TypeError(
            f"{spelling(function)} gave {kind}, but a Tensor holds floats: return an array of "
            "floats, or call it on t.data"
        )

    return row(public, *rules, forward=dispatched(guarded))


def _guarded(rule: Rule) -> Rule:
    """A rule that is not known to leave alone what it is given and what it gave."""

    @functools.wraps(rule)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        gradient = rule(*map(_unwritable, args), **kwargs)
        kind: Any = type(gradient)
        return gradient if _answers(kind) else np.array(gradient)

    return guarded


def _unwritable(arg: Any) -> Any:
    if issubclass(type(arg), np.ndarray):
        arg = arg.view()
        arg.setflags(write=False)
    return arg
