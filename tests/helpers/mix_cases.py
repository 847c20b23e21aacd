"""Logits and labels of every kind, as hypothesis strategies."""

import functools

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def _floats(size):
    return lambda k, dtype: hnp.arrays(
        dtype, k, elements=st.floats(-size, size, width=np.dtype(dtype).itemsize * 8)
    )


def _values(*numbers):
    return lambda k, dtype: hnp.arrays(dtype, k, elements=st.sampled_from(numbers))


def _steps(base):
    """A few neighbouring floats, from 1.25 or from 0 (subnormals) on."""

    def strategy(k, dtype):
        step = np.spacing(np.array(base, dtype))
        return hnp.arrays(np.int8, k, elements=st.integers(-3, 3)).map(
            lambda counts: (np.array(base, dtype) + counts.astype(dtype) * step).astype(dtype)
        )

    return strategy


def _dominant(k, dtype):
    def build(size, position):
        z = np.zeros(k, dtype)
        z[position] = size
        return z

    return st.builds(build, st.integers(-300, 300), st.integers(0, k - 1))


def _either(*strategies):
    return lambda *args: st.one_of([strategy(*args) for strategy in strategies])


REGIMES = {
    "moderate": _floats(8),
    "up to 40": _floats(40),
    "up to 300": _either(_floats(300), _values(-300.0, 0.0, 299.0, 300.0)),
    "ties, nearly ties, subnormal": _either(_values(-3.0, 0.0, 2.5), _steps(1.25), _steps(0)),
    "one dominant": _dominant,
}


def _one_hots(k, dtype):
    return st.integers(0, k - 1).map(lambda c: np.eye(k, dtype=dtype)[c])


def _soft(k):
    def build(weights):
        return weights / weights.sum()

    return hnp.arrays(float, k, elements=st.floats(0.01, 1)).map(build)


def _class(k):
    if k == 1:
        return st.sampled_from([np.ones(1), np.zeros(1)])
    return st.integers(0, k - 1) | st.integers(0, k - 1).map(np.uint8)


def _one_hot(k):
    kinds = st.sampled_from([float, np.float32, bool, np.int8, np.uint64])
    return st.one_of(
        kinds.flatmap(lambda t: _one_hots(k, t)), _one_hots(k, int).map(np.ndarray.tolist)
    )


LABELS = {
    "class": _class,
    "one-hot": _one_hot,
    "smoothed": lambda k: _one_hots(k, float).map(lambda y: 0.9 * y + 0.1 / k),
    "soft": _soft,
    "multi-hot": lambda k: hnp.arrays(bool, k),
    "any sum": lambda k: hnp.arrays(float, k, elements=st.floats(0, 3)),
    "tiny": _either(
        lambda k: _one_hots(k, float).map(lambda y: np.where(y == 1, y, 1e-20)),
        lambda k: hnp.arrays(float, k, elements=st.sampled_from([0.0, 1e-20, 1e-10, 1.0])),
    ),
    "all the same": lambda k: st.sampled_from([np.zeros(k), np.ones(k)]),
    "signed": lambda k: hnp.arrays(float, k, elements=st.floats(-2, 2)),
}


@functools.cache
def examples(regime=None, labels=None, dtype=np.float64, fewest=1, most=11):
    """One example: logits (K,), and labels as a caller may write them."""
    logits = [REGIMES[regime]] if regime else REGIMES.values()
    targets = [LABELS[labels]] if labels else LABELS.values()
    return st.one_of(
        [
            st.tuples(
                st.one_of([strategy(k, dtype) for strategy in logits]),
                st.one_of([strategy(k) for strategy in targets]),
            )
            for k in range(fewest, most + 1)
        ]
    )


def dense(y, z):
    """Labels as numbers of the logits' dtype and shape."""
    y = np.asarray(y)
    return (np.eye(z.shape[-1])[y] if y.ndim < z.ndim else y).astype(z.dtype)


def pair_of(mix):
    return mix.output, mix.cost_name
