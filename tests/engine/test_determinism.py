"""The same bits on every run, whatever else happens."""

import os
import subprocess
import sys
import threading

import numpy as np

from tests.helpers.recording import leaves, network
from tests.helpers.threads import in_threads
from tinygrad_lossmix import Tensor, grad, value_and_grad

PROGRAM = """
import hashlib
import numpy as np
from tests.helpers.recording import leaves, network
from tinygrad_lossmix import grad
from tinygrad_lossmix.engine.graph import names, nodes

w1, w2, x = leaves()
repeated = np.einsum("ij,kl->ijkl", w1, w1)
cost = network(w1, w2, x) + np.einsum("ijij,jk->", repeated, w2)
first = grad(cost, [w1, w2], create_graph=True)
second = grad(sum((g * g).sum() for g in first), [w1, w2])
recording = [(n.function.__name__, dict(n.kwargs)) for n in nodes(first[0]) if n.function]
content = [g.data.tobytes() for g in first], [g.tobytes() for g in second], recording, [
    *names(first[0]).values()
]
print(hashlib.sha256(repr(content).encode()).hexdigest())
"""


def test_gradients_and_recordings_do_not_depend_on_the_hash_seed():
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": root},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "1")
    ]
    printed = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    assert len(set(printed)) == 1


def test_gradients_are_the_same_bits_every_time():
    runs = []
    for _ in range(5):
        w1, w2, x = leaves()
        runs.append([g.tobytes() for g in grad(network(w1, w2, x), [w1, w2])])
    assert all(run == runs[0] for run in runs)


def test_threads_do_not_disturb_each_other():
    """Each builds and differentiates graphs of its own, none holds a lock for the others."""
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    start, wrong = threading.Barrier(4), []

    def work(seed):
        x = np.random.default_rng(seed).normal(size=5)
        step = value_and_grad(lambda t: (np.sin(t) * np.exp(t[::-1])).sum() + (t @ t) ** 2)
        expected = step(x)
        start.wait()
        for _ in range(200):
            value, gradient = step(x)
            t = Tensor(x)
            (t * t).sum().backward()
            if (value, gradient.tolist()) != (expected[0], expected[1].tolist()):
                wrong.append(seed)
            if t.grad.tolist() != (2 * x).tolist():
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch)
    assert wrong == []


def test_one_recording_can_be_differentiated_by_several_threads():
    w1, w2, x = leaves()
    cost = network(w1, w2, x)
    expected = grad(cost, w1).tobytes()
    assert in_threads(8, lambda: grad(cost, w1).tobytes()) == [expected] * 8
