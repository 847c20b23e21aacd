"""Which cost goes with which output layer, and why: settled on a small autograd engine.

>>> import numpy as np
>>> import tinygrad_lossmix as lm

An output layer and a cost, a *mix*; what is good or bad about it:

>>> mix = lm.Mix("softmax", "ll")
>>> answer = lm.verdict(mix, 3)             # print(answer): proper, convex, delta = a - y?
>>> answer = lm.delta_report(mix, [2, 1, 0], 0)     # the output delta three ways, and why
>>> proof = lm.testing.prove("softmax", "ll", 3)    # delta as formulas
>>> z = lm.Tensor([2.0, 1.0, 0.0], name="z")
>>> cost = mix.composed(z, 0)               # the book's graph; mix.cost is one stable node
>>> lm.grad(cost, z)
array([-0.33475904,  0.24472847,  0.09003057])
>>> lm.softmax(z.data) - [1, 0, 0]
array([-0.33475904,  0.24472847,  0.09003057])

Step through the backward pass, or draw it:

>>> walk = lm.Stepper(cost)                 # lm.step(cost) opens a prompt on it
>>> text = lm.tree(cost)                    # lm.page(cost, "steps.html") is for a browser
>>> picture = lm.draw(cost)                 # picture.save("graph.svg"); notebooks show it
>>> arrows = lm.field(mix)                  # -delta over two logits, as a picture

Check a gradient, explain a loss that is stuck:

>>> report = lm.testing.gradcheck(lambda z: mix.cost(z, 0), z.data)
>>> answer = lm.plateau("2.303", classes=10)
>>> answer = lm.diagnose(np.full((2, 3), 1 / 3), np.array([0, 2]), loss=1.0986)

Train, and compare what the mixes do; `lm.lab.compare()` takes a minute on the digits:

>>> f = lm.compile(lambda w, x, y: mix.cost(x @ w, y))    # or lm.value_and_grad
>>> value, gradient = f(np.zeros((2, 3)), np.ones((4, 2)), [0, 1, 2, 0])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_lossmix.engine import Tensor, constant, derivative, grad, value_and_grad
from tinygrad_lossmix.engine.graph import group
from tinygrad_lossmix.engine.refusals import HABITS
from tinygrad_lossmix.mixes import book
from tinygrad_lossmix.mixes.costs import cross_entropy, log_likelihood, quadratic, xlogy
from tinygrad_lossmix.mixes.lml import lml
from tinygrad_lossmix.mixes.mix import MIXES, Mix
from tinygrad_lossmix.mixes.outputs import (
    log_sigmoid,
    log_softmax,
    logsumexp,
    sigmoid,
    softmax,
    softplus,
)
from tinygrad_lossmix.registry import HIGHER

if TYPE_CHECKING:
    from tinygrad_lossmix import lab as lab
    from tinygrad_lossmix import testing as testing
    from tinygrad_lossmix.answers.claims import claims
    from tinygrad_lossmix.answers.delta_report import delta_report
    from tinygrad_lossmix.answers.diagnosis.diagnose import diagnose
    from tinygrad_lossmix.answers.match.matching import matching_cost, matching_output
    from tinygrad_lossmix.answers.plateau.plateau import plateau
    from tinygrad_lossmix.answers.verdict.verdict import verdict
    from tinygrad_lossmix.answers.vocabulary import names
    from tinygrad_lossmix.compiler.compile import compile
    from tinygrad_lossmix.compiler.stabilize import stabilize
    from tinygrad_lossmix.debugger.page import page
    from tinygrad_lossmix.debugger.repl import Stepper, step
    from tinygrad_lossmix.views.drawing import draw
    from tinygrad_lossmix.views.field import field
    from tinygrad_lossmix.views.rewriting import rewriting
    from tinygrad_lossmix.views.tree import tree

__version__ = "0.1.0"
__all__ = ["Tensor", "constant", "derivative", "grad", "group", "value_and_grad"]
__all__ += ["cross_entropy", "log_likelihood", "quadratic", "xlogy"]  # costs
__all__ += ["lml", "log_sigmoid", "log_softmax", "logsumexp", "sigmoid", "softmax", "softplus"]
__all__ += ["MIXES", "Mix", "book", "compile", "rewriting", "stabilize"]
__all__ += ["claims", "delta_report", "diagnose", "names", "plateau", "verdict"]  # answers
__all__ += ["matching_cost", "matching_output"]
__all__ += ["Stepper", "draw", "field", "page", "step", "tree"]  # views
__all__ += ["lab", "testing"]

# loaded when first asked for: they would double the time of the import
_LATER = {
    "compile": "compiler.compile",
    "draw": "views.drawing",
    "field": "views.field",
    "page": "debugger.page",
    "tree": "views.tree",
    "Stepper": "debugger.repl",
    "step": "debugger.repl",
    "delta_report": "answers.delta_report",
    "claims": "answers.claims",
    "matching_cost": "answers.match.matching",
    "matching_output": "answers.match.matching",
    "names": "answers.vocabulary",
    "plateau": "answers.plateau.plateau",
    "verdict": "answers.verdict.verdict",
    "diagnose": "answers.diagnosis.diagnose",
    "stabilize": "compiler.stabilize",
    "rewriting": "views.rewriting",
}
# What other libraries have beside functions of Tensors, and what to write here.
_HABITS = HABITS | {
    "stop_gradient": "write lm.constant(t)",
    "vmap": "leave it out; all axes but the last are a batch",
    "elementwise_grad": "write lm.grad(f(t), t, seed=np.ones(t.shape))",
    "jacobian": "a row is lm.grad(f(t), t, seed=unit), for each unit vector",
    "hessian": "of g = lm.grad(cost, t, create_graph=True), a row is lm.grad(g, t, seed=unit)",
    "nn": "lm.names() says what costs and layers of other libraries are called here",
}


def __getattr__(name: str) -> Any:
    if name in ("lab", "testing"):
        return import_module(f"{__name__}.{name}")
    if name not in _LATER:
        advice = f": {_HABITS[name]}" if name in _HABITS else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{advice}")
    value = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]


# What a lower floor calls on a higher one, by name: all of it, for Mix.verdict and the cost of a
# mix of functions
HIGHER["verdict"] = lambda mix, classes: __getattr__("verdict")(mix, classes)
HIGHER["stabilized"] = lambda cost: (
    import_module(f"{__name__}.compiler.stabilize").rewritten(cost).after
)
