"""Which cost goes with which output layer, and why: settled on a small autograd engine.

>>> z = Tensor([2.0, 1.0, 0.0], name="z")
>>> cost = Mix("softmax", "ll").composed(z, 0)
>>> grad(cost, z)
array([-0.33475904,  0.24472847,  0.09003057])
>>> softmax(z.data) - [1, 0, 0]
array([-0.33475904,  0.24472847,  0.09003057])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_lossmix.engine import Tensor, constant, derivative, grad, value_and_grad
from tinygrad_lossmix.mixes import book
from tinygrad_lossmix.mixes.costs import cross_entropy, log_likelihood, quadratic, xlogy
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.mixes.outputs import (
    log_sigmoid,
    log_softmax,
    logsumexp,
    sigmoid,
    softmax,
    softplus,
)

if TYPE_CHECKING:
    from tinygrad_lossmix import testing as testing
    from tinygrad_lossmix.answers.claims.catalogue import claims
    from tinygrad_lossmix.answers.delta.report import delta_report
    from tinygrad_lossmix.answers.diagnosis.diagnose import diagnose
    from tinygrad_lossmix.answers.names import names
    from tinygrad_lossmix.answers.plateau.report import plateau
    from tinygrad_lossmix.debugger.page import page
    from tinygrad_lossmix.debugger.repl import step
    from tinygrad_lossmix.debugger.stepper import Stepper
    from tinygrad_lossmix.mixes.verdict import verdict
    from tinygrad_lossmix.rewrite.compile import compile
    from tinygrad_lossmix.rewrite.stabilize import stabilize
    from tinygrad_lossmix.views.graphviz import draw
    from tinygrad_lossmix.views.rewriting import rewriting
    from tinygrad_lossmix.views.text import tree

__version__ = "0.1.0"
__all__ = [
    "MIXES",
    "Mix",
    "Stepper",
    "Tensor",
    "book",
    "claims",
    "compile",
    "constant",
    "cross_entropy",
    "delta_report",
    "derivative",
    "diagnose",
    "draw",
    "grad",
    "log_likelihood",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "names",
    "page",
    "plateau",
    "quadratic",
    "rewriting",
    "sigmoid",
    "softmax",
    "softplus",
    "stabilize",
    "step",
    "testing",
    "tree",
    "value_and_grad",
    "verdict",
    "xlogy",
]

# loaded when first asked for: they would double the time of the import
_LATER = {
    "compile": "rewrite.compile",
    "draw": "views.graphviz",
    "page": "debugger.page",
    "tree": "views.text",
    "Stepper": "debugger.stepper",
    "step": "debugger.repl",
    "delta_report": "answers.delta.report",
    "claims": "answers.claims.catalogue",
    "names": "answers.names",
    "plateau": "answers.plateau.report",
    "verdict": "mixes.verdict",
    "diagnose": "answers.diagnosis.diagnose",
    "stabilize": "rewrite.stabilize",
    "rewriting": "views.rewriting",
}


def __getattr__(name: str) -> Any:
    if name == "testing":
        return import_module(f"{__name__}.testing")
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, "testing"})
