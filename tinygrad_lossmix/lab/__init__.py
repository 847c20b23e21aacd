"""The laboratory: train the mixes side by side and measure what each one does.

>>> from tinygrad_lossmix.lab import Settings, digits, runs, summarise
>>> from tinygrad_lossmix.mixes.mix import MIXES
>>> settings = Settings(seeds=1, epochs=1)
>>> results = summarise(list(runs(MIXES[:1], digits(), settings)), digits(), settings)
>>> 0.0 <= results[0].accuracy.mean <= 1.0
True
"""

from tinygrad_lossmix.lab.compare import Result, Spread, runs, summarise
from tinygrad_lossmix.lab.data import Data, DataError, digits
from tinygrad_lossmix.lab.diagnosis import diagnosis
from tinygrad_lossmix.lab.files import read
from tinygrad_lossmix.lab.ranking import ranking
from tinygrad_lossmix.lab.results import record, write
from tinygrad_lossmix.lab.training import Epoch, Run, Settings, train

__all__ = [
    "Data",
    "DataError",
    "Epoch",
    "Result",
    "Run",
    "Settings",
    "Spread",
    "diagnosis",
    "digits",
    "ranking",
    "read",
    "record",
    "runs",
    "summarise",
    "train",
    "write",
]
