"""All studies by name, in the order of the report.

>>> STUDIES["neuron"](quick=True).title
"The book's neuron"
"""

from collections.abc import Callable

from tinygrad_lossmix.lab import neuron
from tinygrad_lossmix.lab.study import Study

STUDIES: dict[str, Callable[..., Study]] = {"neuron": neuron.study}
