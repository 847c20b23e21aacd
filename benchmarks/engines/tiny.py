"""tinygrad, the framework, on its CPU device with TinyJit; needs clang.

Its kernels run on threads of their own, and whoever waits for another waits in a loop. On one core
they would take turns, under real-time scheduling for ever: so these threads alone may use all cores
and are scheduled as usual.
"""

import os
from contextlib import contextmanager
from types import SimpleNamespace

os.environ.setdefault("DEV", "CPU")

import formulas
from tinygrad import Tensor, TinyJit, dtypes

from engines import Engine

XP = SimpleNamespace(
    exp=Tensor.exp,
    log=Tensor.log,
    sum=lambda t, axis=None, keepdims=False: t.sum(axis, keepdim=keepdims),
)
DTYPES = {"float32": dtypes.float32, "float64": dtypes.float64}


@contextmanager
def unpinned():
    """Threads that start in here are not held to this one's core and priority."""
    cores, policy, priority = (
        os.sched_getaffinity(0),
        os.sched_getscheduler(0),
        os.sched_getparam(0),
    )
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.sched_setaffinity(0, range(os.cpu_count()))
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        os.sched_setscheduler(0, policy, priority)


def differentiated(loss):
    @TinyJit
    def both(*tensors):
        cost = loss(*tensors)
        return [result.realize() for result in (cost, *cost.gradient(*tensors))]

    def step(*arrays):
        value, *gradients = both(*[tensor(array).realize() for array in arrays])
        return value.item(), tuple([gradient.numpy() for gradient in gradients])

    return step


def tensor(array):
    return Tensor(array, dtype=DTYPES[array.dtype.name])


def build(case):
    with unpinned():
        x = None if case.x is None else tensor(case.x).realize()
        step = differentiated(formulas.loss(XP, case, tensor(case.y).realize(), x))
        for _ in range(3):  # it runs, it captures, it replays
            step(*case.inputs)
    return step


ENGINES = (Engine("tinygrad, TinyJit", build, slow_to_build=True),)
