"""The package as a whole: its public face, what importing it costs, its version."""

import importlib.metadata
import subprocess
import sys
import threading

import numpy as np
import pytest

import tinygrad_lossmix as lm

HEAVY = ["click", "rich", "graphviz", "pygraphviz", "matplotlib", "sympy", "hypothesis", "mpmath"]


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_in_all_is_there():
    for name in lm.__all__:
        assert getattr(lm, name) is not None
    assert set(lm.__all__) <= set(dir(lm))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = lm.no_such_name


def test_the_import_loads_nothing_heavy():
    loaded = python("import sys, tinygrad_lossmix; print(*sys.modules)").split()
    assert not set(HEAVY) & set(loaded)
    later = [m for m in loaded if m.startswith("tinygrad_lossmix.")]
    assert {m.split(".")[1] for m in later} == {"engine", "mixes"}


def test_the_import_adds_only_modules_of_its_own_to_those_of_numpy():
    numpy = set(python("import sys, numpy; print(*sys.modules)").split())
    ours = set(python("import sys, tinygrad_lossmix; print(*sys.modules)").split())
    extra = {m for m in ours - numpy if not m.startswith("tinygrad_lossmix")}
    assert extra <= {"__future__", "copy", "heapq", "_heapq"}


def test_the_version_is_that_of_the_distribution():
    assert lm.__version__ == importlib.metadata.version("tinygrad_lossmix")


def test_threads_do_not_disturb_each_other():
    z, y = np.linspace(-2, 2, 8), 3
    mix = lm.Mix("softmax", "ce")

    def gradients(results):
        for _ in range(200):
            t = lm.Tensor(z)
            results.append((lm.grad(mix.composed(t, y), t), lm.grad(mix.cost(t, y), t)))

    found = [[] for _ in range(4)]
    threads = [threading.Thread(target=gradients, args=(results,)) for results in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gradients(expected := [])
    for results in found:
        np.testing.assert_array_equal(results, expected)


def test_the_answers_are_functions_of_the_package():
    mix = lm.Mix("softmax", "ce")
    assert lm.verdict(mix, 3).failure == mix.verdict(3).failure
    assert lm.plateau("2.3026", classes=10).matches[0].formula == "ln K"
    assert isinstance(lm.claims(), list)
    assert isinstance(lm.names(), list)
