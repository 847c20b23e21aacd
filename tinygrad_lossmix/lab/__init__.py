"""The laboratory: train the mixes side by side and measure what each one does.

>>> from tinygrad_lossmix.mixes.mix import Mix
>>> [result] = compare([Mix("softmax", "ll")], digits(), Settings(seeds=1, epochs=1))
>>> 0.0 <= result.accuracy.mean <= 1.0, result.delta.is_a_minus_y
(True, True)
"""

from collections.abc import Callable

from tinygrad_lossmix.lab import linear_models, networks, neuron, surveys
from tinygrad_lossmix.lab.data import Data, DataError, digits, read
from tinygrad_lossmix.lab.report import diagnosis, ranking, record, write
from tinygrad_lossmix.lab.studies import Result, Spread, compare, runs, summarise
from tinygrad_lossmix.lab.study import Figure, Statement, Study, Table
from tinygrad_lossmix.lab.tasks import TaskError, completed
from tinygrad_lossmix.lab.training import Epoch, Run, Settings, train

__all__ = ["Data", "DataError", "digits", "read"]
__all__ += ["Epoch", "Run", "Settings", "train"]
__all__ += ["STUDIES", "Figure", "Statement", "Study", "Table"]
__all__ += ["Result", "Spread", "TaskError", "compare", "completed", "runs", "summarise"]
__all__ += ["diagnosis", "ranking", "record", "write"]

STUDIES: dict[str, Callable[..., Study]] = {  # in the order of the report; quick=False is longer
    "boundaries": linear_models.boundaries,
    "published": linear_models.published,
    "posterior": linear_models.posterior,
    "digits": networks.mixed,
    "pairings": networks.paired,
    "neuron": neuron.study,
    "verdicts": surveys.verdicts,
    "graphs": surveys.graphs,
    "claims": surveys.claims,
}


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
