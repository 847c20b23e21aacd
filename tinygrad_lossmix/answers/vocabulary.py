"""One thing, many names: the book, statistics, PyTorch, Keras and scikit-learn.

"Cross-entropy" means eq. 63 of the book here; PyTorch's CrossEntropyLoss is softmax with
log-likelihood. Every expression of the table is computed on the same example and compared, where
the library is installed: in a process of its own, as importing it takes seconds and a lot of
memory. All start at once, and none stays behind. That process is this file as a program: it takes
the name of a library and expressions, and prints their values as one JSON object.

>>> next(name.book for name in NAMES if "log_likelihood" in name.here)
'eq. 80'
"""

import importlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lossmix.engine.table import Array
from tinygrad_lossmix.mixes.outputs import sigmoid, softmax
from tinygrad_lossmix.printing import AsPrinted, amount, paragraph
from tinygrad_lossmix.records import attributes, plain

CLOSE = 1e-6  # Keras computes in float32
LIBRARIES = {"torch": "PyTorch", "keras": "Keras", "sklearn": "scikit-learn"}
# to import, if not the library alone; of each the package that it is in is what expressions name
MODULES = {"sklearn": ("sklearn.metrics", "sklearn.utils.extmath", "scipy.special")}
SECONDS = 120
MEANING = (
    'Here "cross-entropy" (CE) means eq. 63 of the book, K yes-or-no questions: what PyTorch and '
    "Keras call binary. What PyTorch calls CrossEntropyLoss, and Keras and statistics categorical "
    "cross-entropy, is here log-likelihood (LL), eq. 80."
)

LEGEND = (
    "z logits, s = sigmoid(z), p = softmax(z), all (n, K); y labels (n, K), k classes (n,); lm is "
    "this package. NLL: negative log-likelihood. Off by: the largest difference from here on an "
    "example, relative to the largest value."
)


class Name(NamedTuple):
    """One thing, as an expression of each library; None where it has no such thing.

    z are logits, s = sigmoid(z) and p = softmax(z) outputs, all (n, K); y the labels (n, K), or k
    the classes (n,).
    """

    here: str
    book: str
    statistics: str
    reduction: str
    torch: str | None
    keras: str | None
    sklearn: str | None


# fmt: off
NAMES = (  # here, in the book, in statistics, the reduction; then in each library
    Name(
        "lm.sigmoid(z)", "eq. 3", "logistic function", "none",
        "torch.sigmoid(z)", "keras.ops.sigmoid(z)", "scipy.special.expit(z)",
    ),
    Name(
        "lm.softmax(z)", "eq. 78", "inverse of the multinomial logit",
        "none; outputs of a row sum to 1",
        "torch.softmax(z, dim=-1)", "keras.ops.softmax(z)", "sklearn.utils.extmath.softmax(z)",
    ),
    Name(
        "lm.lml(z)", "no equation", "LML projection, k = 1", "none; outputs of a row sum to 1",
        None, None, None,
    ),
    Name(
        "lm.cross_entropy(s, y)", "eq. 57, 63", "NLL of K Bernoullis",
        "sum over K, mean over n; theirs is a mean over K",
        "K * torch.nn.BCELoss()(s, y)",
        "K * keras.ops.mean(keras.losses.binary_crossentropy(y, s))",
        "sum(sklearn.metrics.log_loss(y[:, j], s[:, j]) for j in range(K))",
    ),
    Name(
        'lm.Mix("sigmoid", "ce").cost(z, y)', "eq. 3 and 63", "NLL of K logistic regressions",
        "sum over K, mean over n; theirs is a mean over K",
        "K * torch.nn.BCEWithLogitsLoss()(z, y)",
        "K * keras.losses.BinaryCrossentropy(from_logits=True)(y, z)",
        None,
    ),
    Name(
        "lm.log_likelihood(p, y)", "eq. 80", "categorical NLL, categorical cross-entropy",
        "sum over K, mean over n",
        "torch.nn.NLLLoss()(torch.log(p), k)",
        "keras.ops.mean(keras.losses.categorical_crossentropy(y, p))",
        "sklearn.metrics.log_loss(k, p)",
    ),
    Name(
        "lm.log_likelihood(s / s.sum(-1, keepdims=True), y)", "eq. 80",
        "categorical NLL of outputs divided by their sum",
        "sum over K, mean over n; Keras divides by itself",
        "torch.nn.NLLLoss()(torch.log(s / s.sum(-1, keepdim=True)), k)",
        "keras.ops.mean(keras.losses.categorical_crossentropy(y, s))",
        "sklearn.metrics.log_loss(k, s / s.sum(-1, keepdims=True))",
    ),
    Name(
        'lm.Mix("softmax", "ll").cost(z, y)', "eq. 78 and 80",
        "NLL of multinomial logistic regression", "sum over K, mean over n",
        "torch.nn.CrossEntropyLoss()(z, k)",
        "keras.losses.CategoricalCrossentropy(from_logits=True)(y, z)",
        None,
    ),
    Name(
        "lm.quadratic(p, y)", "eq. 6", "half the squared error, half the Brier score",
        "sum over K, mean over n; theirs is a mean over K, without the half",
        "K / 2 * torch.nn.MSELoss()(p, y)",
        "K / 2 * keras.ops.mean(keras.losses.mean_squared_error(y, p))",
        "K / 2 * sklearn.metrics.mean_squared_error(y, p)",
    ),
    Name(
        'lm.Mix("softmax", "ll").delta(z, y)', "eq. 84", "residual a - y; minus the score",
        "per example; the gradient of a mean is delta / n",
        "n * torch.autograd.functional.jacobian(lambda t: torch.nn.CrossEntropyLoss()(t, k), z)",
        "keras.ops.softmax(z) - y",
        None,
    ),
)
# fmt: on


class Peer(NamedTuple):
    """The expression of another library, and how far its value is off ours."""

    library: str
    expression: str | None
    error: float | None = None  # relative to the largest value; None where it was not computed
    note: str = ""  # why not, or what is wrong with it

    @property
    def agrees(self) -> bool:
        """Not contradicted: the values are the same, or were not compared."""
        return self.error is None or self.error < CLOSE


@dataclass(frozen=True, repr=False)
class Checked(AsPrinted):
    """A row of the table, with what the other libraries compute."""

    name: Name
    peers: tuple[Peer, ...]

    def to_dict(self) -> dict[str, Any]:
        """A record ready for JSON; numbers that are not finite are None."""
        theirs = {
            library: {
                **attributes(peer, "expression", "error"),
                "agrees": None if peer.error is None else peer.agrees,
                "note": peer.note,
            }
            for library, peer in zip(LIBRARIES, self.peers, strict=True)
        }
        return dict(plain(self.name._asdict() | theirs))

    def __str__(self) -> str:
        name = self.name
        lines = [paragraph(f"{name.book}: {name.statistics}; {name.reduction}")]
        for peer in (Peer("here", name.here), *self.peers):
            text = peer.expression or "-"
            text += "" if peer.error is None else f"  (off by {amount(peer.error)})"
            lines += [paragraph(text, " " * 16, f"  {peer.library:14}")]
        return "\n".join(lines)


class Vocabulary(AsPrinted, list[Checked]):
    """The table; printed, a section for each row."""

    def __str__(self) -> str:
        peers = [peer for row in self for peer in row.peers if peer.note]
        notes = dict.fromkeys(f"{peer.library}: {peer.note}." for peer in peers)
        end = "\n".join(map(paragraph, [*notes, MEANING, LEGEND]))
        return "\n\n".join([*map(str, self), end])


def names() -> Vocabulary:
    """The table, each expression computed now where its library is installed."""
    wanted = {
        library: [each for name in NAMES if (each := getattr(name, library))]
        for library in LIBRARIES
    }
    theirs = {
        library: given if isinstance(given, str) else iter(given)
        for library, given in values(wanted).items()
    }
    known = {"lm": importlib.import_module("tinygrad_lossmix"), **example()}
    found = Vocabulary()
    for name in NAMES:
        ours = eval(name.here, dict(known))
        row = (_peer(key, getattr(name, key), theirs[key], ours) for key in LIBRARIES)
        found.append(Checked(name, tuple(row)))
    return found


def _peer(library: str, expression: str | None, given: Iterator[Array] | str, ours: Any) -> Peer:
    title = LIBRARIES[library]
    if expression is None:
        return Peer(title, None)
    if isinstance(given, str):
        return Peer(title, expression, note=f"{given}, not checked")
    theirs = next(given)
    if theirs.shape != np.shape(ours):
        return Peer(title, expression, float("inf"), f"has the shape {theirs.shape}")
    return Peer(title, expression, float(np.abs(theirs - ours).max() / np.abs(ours).max()))


def example() -> dict[str, Any]:
    """What the expressions are about: logits z, sigmoids s, softmax p, labels y or classes k."""
    z = np.array([[2.0, 1.0, 0.0], [-1.0, 0.5, 3.0], [0.25, -2.0, 1.5], [0.0, 0.0, -4.0]])
    k = np.array([0, 2, 1, 0])
    return {"z": z, "s": sigmoid(z), "p": softmax(z), "k": k, "y": np.eye(3)[k], "n": 4, "K": 3}


def installed(library: str) -> bool:
    """Whether the library can be found; nothing is imported."""
    return find_spec(library) is not None


def values(wanted: Mapping[str, Sequence[str]]) -> dict[str, list[Array] | str]:
    """The values of expressions, or why there are none, for each library named.

    Args:
        wanted: for "torch", "keras" or "sklearn" the expressions to compute with it.
    """
    found = [*filter(installed, wanted)]
    with ThreadPoolExecutor() as pool:
        given = [*pool.map(lambda library: _computed(library, wanted[library]), found)]
    return dict.fromkeys(wanted, "not installed") | dict(zip(found, given, strict=True))


def _computed(library: str, expressions: Sequence[str]) -> list[Array] | str:
    """By this file as a program, with the same package and libraries in its path."""
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([here, *filter(None, sys.path)])
    command = [sys.executable, "-m", __spec__.name, library, *expressions]
    options: Any = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    try:
        ended = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": path}, timeout=SECONDS, **options
        )
    except subprocess.TimeoutExpired:
        return f"installed, but it took more than {SECONDS} s"
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
        return f"installed, but it failed: {last}"
    return [np.array(value) for value in json.loads(ended.stdout.splitlines()[-1])]


def _evaluate(library: str, expressions: Sequence[str]) -> list[Any]:
    """The values of expressions of the table of names, as lists and numbers."""
    modules = MODULES.get(library, (library,))
    known: dict[str, Any] = {name.partition(".")[0]: __import__(name) for name in modules}
    convert = known["torch"].tensor if library == "torch" else np.array
    known |= {
        name: convert(value) if isinstance(value, np.ndarray) else value
        for name, value in example().items()
    }
    values = (eval(expression, known) for expression in expressions)
    numbers = (v.detach().cpu() if hasattr(v, "detach") else v for v in values)
    return [np.asarray(number, dtype=float).tolist() for number in numbers]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(_evaluate(sys.argv[1], sys.argv[2:])))
