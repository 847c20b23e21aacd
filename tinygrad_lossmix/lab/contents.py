"""All studies by name, in the order of the report.

>>> STUDIES["neuron"](quick=True).title
"The book's neuron"
"""

from collections.abc import Callable

from tinygrad_lossmix.lab import boundaries, networks, neuron, posterior
from tinygrad_lossmix.lab.study import Study

STUDIES: dict[str, Callable[..., Study]] = {
    "boundaries": boundaries.boundaries,
    "published": boundaries.published,
    "posterior": posterior.study,
    "digits": networks.mixed,
    "pairings": networks.paired,
    "neuron": neuron.study,
}
