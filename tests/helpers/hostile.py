"""What to hand to any function, and words that an error must not have."""

import sys

import numpy as np

import tinygrad_lossmix as lm

INTERNAL = (  # of a message that speaks of our inside, not of what was handed in
    *("has no attribute", "not subscriptable", "to unpack", "takes 1 positional", "unhashable"),
    *("object is not iterable", "unexpected keyword", "object is not callable", "cannot pickle"),
)


def hostile():
    """Each thing by a name; made anew, so that one test cannot spoil it for another."""
    structured = np.zeros(3, [("a", float), ("b", float)])
    read_only = np.ones(3)
    read_only.flags.writeable = False
    return {
        "None": None,
        "text": "softmax",
        "empty text": "",
        "long text": "x" * 10_000,
        "surrogate": "\ud800\x00",
        "bytes": b"bytes",
        "object": object(),
        "type": int,
        "function": lambda *args, **kwargs: None,
        "module": sys,
        "exception": ValueError("mine"),
        "generator": (i for i in range(3)),
        "set": {1, 2},
        "dict": {"a": 1},
        "empty list": [],
        "empty tuple": (),
        "ragged": [[1.0], [1.0, 2.0]],
        "strings": ["a", "b", "c"],
        "Nones": [None, None, None],
        "true": True,
        "zero": 0,
        "minus one": -1,
        "hundred": 100,
        "huge integer": 10**400,
        "half": 0.5,
        "huge": 1e308,
        "NaN": float("nan"),
        "infinity": float("inf"),
        "complex": 1j,
        "slice": slice(None),
        "ellipsis": ...,
        "0-d": np.array(2.0),
        "empty array": np.array([]),
        "no columns": np.zeros((2, 0)),
        "no rows": np.zeros((0, 3)),
        "other shape": np.ones((7, 5)),
        "many axes": np.ones((1,) * 10),
        "NaNs": np.full(3, np.nan),
        "infinities": np.array([np.inf, -np.inf, 0.0]),
        "huge numbers": np.array([1e308, -1e308, 1e308]),
        "negative integers": np.array([-1, -2, -3]),
        "large integers": np.full(3, 2**62),
        "unsigned": np.arange(3, dtype=np.uint64),
        "truth values": np.array([True, False, True]),
        "half precision": np.ones(3, np.float16),
        "big endian": np.ones(3, ">f8"),
        "complex array": np.ones(3, complex),
        "objects": np.array([1.0, "a", None], object),
        "texts": np.array(["a", "b", "c"]),
        "dates": np.array(["2020-01-01"] * 3, "datetime64[D]"),
        "structured": structured,
        "record": structured.view(np.recarray),
        "masked": np.ma.masked_array(np.ones(3), [True, False, False]),
        "matrix": np.asfortranarray(np.eye(3)),
        "read-only": read_only,
        "reversed": np.arange(3.0)[::-1],
        "number": lm.Tensor(1.0),
        "vector": lm.Tensor([1.0, 2.0, 3.0]),
        "NaN Tensor": lm.Tensor([np.nan, 1.0, 2.0]),
        "empty Tensor": lm.Tensor(np.zeros((0, 3))),
        "computed": np.exp(lm.Tensor([1.0, 2.0, 3.0])).sum(),
        "Tensors": [lm.Tensor(1.0), lm.Tensor(2.0)],
        "Tensor in objects": [lm.Tensor(1.0), None],
        "Mix": lm.MIXES[0],
    }
