"""What is stabilised, or compiled, is never worse than what was written: against mpmath.

Random programs of what costs are made of, with infinities, zeros and masks in them; an error is
measured from the exact value and the exact derivative of the program as it was written.
"""

import math
import warnings

import numpy as np
from hypothesis import assume, given, note
from hypothesis import strategies as st
from mpmath import mp

import tinygrad_lossmix as lm
from tests.helpers import spellings
from tinygrad_lossmix.compiler.compile import compile as compiled
from tinygrad_lossmix.compiler.stabilize import rewritten
from tinygrad_lossmix.engine.graph import nodes
from tinygrad_lossmix.engine.replay import replay
from tinygrad_lossmix.testing.highprecision import ORACLES, lifted

DIGITS, STEP = 800, mp.mpf(10) ** -200
LOGITS = [0.0, -0.0, 0.3, 1.0, -1.0, 2.5, -37.0, 40.0, -88.0, 300.0, -710.0, 746.0]
LOGITS += [-math.inf, 1e-300, -1e-12]
CONSTANTS = [0.0, 1.0, -1.0, 2.0, 0.5, 3.0, 1e-17, 1e-200, 1e200, -0.1]
WEIGHTS = [0.0, 1.0, 0.5, 2.0, 1e-200]
MASK = np.array([True, False, True])
LAYERS = [f for name, f in spellings.SOFTMAXES.items() if name != "shifted by an array"]
LAYERS += 2 * list(spellings.SIGMOIDS.values())
LAYERS += [lambda z: np.exp(z), lambda z: z, lm.log_softmax, lm.softplus]
STEPS = {
    "-x": lambda x, c, w: -x,
    "1 - x": lambda x, c, w: 1.0 - x,
    "c·x": lambda x, c, w: x * c,
    "c·c·x": lambda x, c, w: (x * c) * c,
    "x/c": lambda x, c, w: x / c if c else x,
    "c/x": lambda x, c, w: c / x,
    "x + c": lambda x, c, w: x + c,
    "w·x": lambda x, c, w: w * x,
    "x·mask": lambda x, c, w: x * MASK,
    "where": lambda x, c, w: np.where(MASK, x, c),
    "where 0": lambda x, c, w: np.where(MASK, x, 0.0),
    "masked": lambda x, c, w: np.where(MASK, x, -np.inf),
    "maximum": lambda x, c, w: np.maximum(x, c),
    "ln": lambda x, c, w: np.log(x),
    "ln(1 + x)": lambda x, c, w: np.log1p(x),
    "ln(1 - x)": lambda x, c, w: np.log(1 - x),
    "e^x": lambda x, c, w: np.exp(x),
    "e^x - 1": lambda x, c, w: np.expm1(x),
    "w ln x": lambda x, c, w: lm.xlogy(w, x),
    "x ln x": lambda x, c, w: lm.xlogy(x, x),
    "x²": lambda x, c, w: x * x,
    "1/x": lambda x, c, w: 1.0 / x,
    "prod": lambda x, c, w: np.prod(x, axis=-1, keepdims=True) + 0.0 * w,
    "1 - prod": lambda x, c, w: 1.0 - np.prod(x, axis=-1, keepdims=True) + np.zeros(3),
    "sum": lambda x, c, w: x.sum(axis=-1, keepdims=True) + np.zeros(3),
    "mean": lambda x, c, w: x.mean(axis=-1, keepdims=True) * np.ones(3),
    "shifted": lambda x, c, w: x - x.max(axis=-1, keepdims=True),
    "picked": lambda x, c, w: x[..., [0, 2, 2]],
    "a mask's": lambda x, c, w: x[..., MASK].sum(axis=-1, keepdims=True) * np.ones(3),
    "softmax": lambda x, c, w: lm.softmax(x),
    "sigmoid": lambda x, c, w: 1 / (1 + np.exp(-x)),
    "logsumexp": lambda x, c, w: np.log(np.exp(x).sum(axis=-1, keepdims=True)) + np.zeros(3),
    "less logsumexp": lambda x, c, w: x - np.log(np.exp(x).sum(axis=-1, keepdims=True)),
}
ENDS = {
    "sum": lambda x, w: x.sum(),
    "-mean": lambda x, w: -x.mean(),
    "weighted": lambda x, w: -(w * x).sum(),
    "quadratic": lambda x, w: 0.5 * ((x - w) ** 2).sum(),
    "one": lambda x, w: -x[..., 0].sum(),
    "cross-entropy": lambda x, w: -(w * np.log(x) + (1 - w) * np.log(1 - x)).sum(),
    "likelihood": lambda x, w: -(w * np.log(x)).sum(),
    "costs of both": lambda x, w: (np.where(MASK, x, 0.0) + np.where(w > 0, x, 0.0)).sum(),
}


@st.composite
def programs(draw):
    layer = draw(st.integers(0, len(LAYERS) - 1))
    steps = draw(st.lists(st.sampled_from(sorted(STEPS)), max_size=4))
    constants = [draw(st.sampled_from(CONSTANTS)) for _ in steps]
    rows = st.lists(st.sampled_from(WEIGHTS), min_size=3, max_size=3).map(np.array)
    weights = [draw(rows) for _ in (*steps, 0)]
    end = draw(st.sampled_from(sorted(ENDS)))

    def program(z):
        x = LAYERS[layer](z)
        for step, c, w in zip(steps, constants, weights, strict=False):
            x = STEPS[step](x, c, w)
        return ENDS[end](x, weights[-1])

    program.text = layer, steps, constants, weights, end
    return program


def exact(cost, z):
    """The value of a recording and its derivatives by z, one-sided where they differ: None."""
    table = ORACLES
    assume(all(each.function is None or each.function in table for each in nodes(cost)))

    def compute(each, args):
        if each.function is None:
            return lifted(each.data)
        given = [
            arg
            if isinstance(kept, lm.Tensor) or (each.function is np.where and i == 0)
            else lifted(arg)
            for i, (arg, kept) in enumerate(zip(args, each.args, strict=True))
        ]
        value = np.asarray(table[each.function](*given, **each.kwargs), dtype=object)
        if each.function is np.divide and np.any(abs(value) > np.finfo(float).max):
            raise ZeroDivisionError("a pole: floats give the infinity of some zero's sign")
        return value

    def at(point):
        return replay(cost, {z: point}, compute, lambda arg: lifted(arg.data))[cost][()]

    with mp.workdps(DIGITS):
        try:
            here, slopes = at(lifted(z.data)), []
            for i in np.ndindex(z.shape):
                move = lifted(np.zeros(z.shape))
                move[i] = STEP
                high, low = at(lifted(z.data) + move), at(lifted(z.data) - move)
                right, left = (high - here) / STEP, (here - low) / STEP
                smooth = abs(right - left) <= mp.mpf(10) ** -30 * (abs(right) + abs(left))
                slopes.append((right + left) / 2 if smooth and mp.isfinite(right) else None)
        except (ZeroDivisionError, TypeError, ValueError, OverflowError):
            assume(False)
        return here, slopes


def error(got, truth):
    """How far a number is from the exact one, which may be larger than all floats."""
    if math.isnan(got):
        return mp.inf
    with mp.workdps(DIGITS):
        rounded = mp.mpf(float(truth)) if abs(truth) > np.finfo(float).max else truth
        if not mp.isfinite(rounded) or math.isinf(got):
            return mp.mpf(0) if mp.mpf(got) == rounded else mp.mpf(10) ** 400
        return abs(mp.mpf(got) - truth)


def assert_not_worse(ours, plain, truth, scale):
    with mp.workdps(50):
        allowed = abs(truth) * mp.mpf(10) ** -9 + mp.mpf(10) ** -12 * scale
        allowed = allowed if mp.isfinite(allowed) else mp.mpf(0)
        before = error(plain, truth)
        assert error(ours, truth) <= max(10 * before, allowed, mp.mpf("1e-300")), (
            f"{ours} for {plain}, exactly {mp.nstr(truth, 20)}"
        )


def any_nan(value, gradient):
    return math.isnan(value) or bool(np.isnan(gradient).any())


def lucky(program, values):
    """Whether the formula as it is gives NaN nearby: 0·ln x, say, where x just misses 0."""
    nearby = [lm.Tensor(values * factor) for factor in (0.9, 1.1)]
    return any(any_nan(float(cost := program(z)), lm.grad(cost, z)) for z in nearby)


logits = st.lists(st.sampled_from(LOGITS), min_size=3, max_size=3)


@given(programs(), st.lists(logits, min_size=1, max_size=2).map(np.array))
def test_random_programs(program, values):
    note(repr(program.text))
    z = lm.Tensor(values)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cost = program(z)
        assume(isinstance(cost, lm.Tensor))
        plain = float(cost), lm.grad(cost, z).ravel()
        truth, slopes = exact(cost, z)
        assume(not mp.isnan(truth))
        after = rewritten(cost).after
        after.backward()
        g = compiled(program)
        g(np.random.default_rng(0).normal(size=values.shape))
        answers = [(float(after), lm.grad(after, z)), g(values)]
        assume(not any(any_nan(*answer) for answer in answers) or not lucky(program, values))
    finite = [x.data[np.isfinite(x.data)] for x in nodes(after)]
    scale = max(float(np.abs(x).max(initial=0.0)) for x in finite)
    slope = [x.grad[np.isfinite(x.grad)] for x in nodes(after) if x.grad is not None]
    steepest = max(float(np.abs(x).max(initial=0.0)) for x in slope)
    for value, gradient in answers:
        assert_not_worse(float(value), plain[0], truth, scale)
        if mp.isfinite(truth) and abs(truth) < np.finfo(float).max:  # else there is no derivative
            for ours, before, derivative in zip(gradient.ravel(), plain[1], slopes, strict=True):
                if derivative is not None:
                    assert_not_worse(float(ours), float(before), derivative, steepest)
                else:
                    assert not (math.isnan(ours) and not math.isnan(before))
