"""All studies by name, in the order of the report.

>>> STUDIES["neuron"](quick=True).title
"The book's neuron"
"""

from collections.abc import Callable

from tinygrad_lossmix.lab import boundaries, neuron, posterior
from tinygrad_lossmix.lab.study import Study

STUDIES: dict[str, Callable[..., Study]] = {
    "boundaries": boundaries.boundaries,
    "published": boundaries.published,
    "posterior": posterior.study,
    "neuron": neuron.study,
}
