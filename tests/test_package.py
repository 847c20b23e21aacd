"""The package as a whole: its public face, what importing it costs, its version."""

import functools
import importlib.metadata
import itertools
import pydoc
import rlcompleter
import subprocess
import sys
import threading
import types

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.answers import claims as catalogue
from tinygrad_lossmix.cli import FILES

HEAVY = ["click", "rich", "graphviz", "pygraphviz", "matplotlib", "sympy", "hypothesis", "mpmath"]
HEAVY += ["scipy"]


@functools.cache
def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_in_all_is_there():
    for name in lm.__all__:
        assert getattr(lm, name) is not None


@pytest.mark.parametrize("module", [lm, lm.book, lm.lab, lm.testing], ids=lambda m: m.__name__)
def test_dir_shows_what_is_public_and_nothing_else(module):
    shown = {name for name in dir(module) if not (name.startswith("__") and name.endswith("__"))}
    assert shown == set(module.__all__)
    assert {"__all__", "__doc__", "__name__"} <= set(dir(module))


@pytest.mark.parametrize("module", ["lm", "lm.book", "lm.testing"])
def test_tab_completes_public_names_only(module):
    completer = rlcompleter.Completer({"lm": lm})
    found = itertools.takewhile(
        bool, (completer.complete(f"{module}.", i) for i in itertools.count())
    )
    names = {each.removeprefix(f"{module}.").rstrip("()") for each in found}
    assert names == set(eval(module).__all__)


def test_the_contract_of_the_public_face():
    assert set(lm.__all__) >= {
        *("Tensor", "grad", "value_and_grad", "constant", "derivative", "book", "Mix", "MIXES"),
        *(
            "sigmoid",
            "softmax",
            "lml",
            "log_sigmoid",
            "log_softmax",
            "softplus",
            "logsumexp",
            "xlogy",
        ),
        *("cross_entropy", "log_likelihood", "quadratic", "verdict", "claims", "plateau", "names"),
        *("diagnose", "stabilize", "compile", "draw", "tree", "Stepper", "step", "page", "group"),
        *("delta_report", "rewriting", "lab", "testing"),
    }
    assert isinstance(lm.lab.compare, types.FunctionType)


def test_help_begins_with_the_tasks_and_the_calls():
    text = pydoc.render_doc(lm, renderer=pydoc.plaintext)
    start, _, rest = text.partition("PACKAGE CONTENTS")
    assert rest
    for call in ("lm.Mix(", "lm.verdict(", "lm.grad(", "lm.Stepper(", "lm.step(", "lm.draw("):
        assert call in start
    for call in ("gradcheck(", "lm.plateau(", "lm.diagnose(", "lm.compile(", "lm.lab.compare("):
        assert call in start


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = lm.no_such_name


def test_the_import_loads_nothing_heavy():
    loaded = python("import sys, tinygrad_lossmix; print(*sys.modules)").split()
    assert not set(HEAVY) & set(loaded)
    later = [m for m in loaded if m.startswith("tinygrad_lossmix.")]
    assert {m.split(".")[1] for m in later} == {"caller", "engine", "mixes", "quiet", "registry"}


def test_the_import_adds_only_modules_of_its_own_to_those_of_numpy():
    numpy = set(python("import sys, inspect, numpy; print(*sys.modules)").split())
    ours = set(python("import sys, tinygrad_lossmix; print(*sys.modules)").split())
    extra = {m for m in ours - numpy if not m.startswith("tinygrad_lossmix")}
    assert extra <= {"__future__", "copy", "heapq", "_heapq"}


def test_commands_load_neither_trainer_nor_compiler_for_their_wording():
    names = set(FILES) - {"studies", "check"}  # which compile what they run
    loaded = python(
        "import sys\n"
        + "".join(f"import tinygrad_lossmix.cli.{name}\n" for name in names)
        + "print(*sys.modules)"
    ).split()
    ours = {module.removeprefix("tinygrad_lossmix.") for module in loaded}
    assert not {"lab", "compiler.compile", "compiler.stabilize", "compiler.patterns"} & ours
    assert "compiler.ir.trace" in ours, "it writes the rules that step and page show"
    assert not {"numba", "sympy", "hypothesis", "matplotlib"} & set(loaded)


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
    assert lm.claims is catalogue.claims
    assert issubclass(catalogue.Claims, list)
    assert isinstance(lm.names(), list)
