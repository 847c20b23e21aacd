"""What tests of strategies share: how long they look for an example, and small shapes."""

from hypothesis import Phase, settings

from tinygrad_lossmix.testing import strategies

SHAPES = strategies.shapes(min_dims=1, max_dims=2)
DRAWN = settings(max_examples=2000, database=None, phases=[Phase.generate])
SHRUNK = settings(max_examples=2000, database=None)
