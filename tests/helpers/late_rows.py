"""Rows that are in the table of derivatives only once their module is imported."""


def is_late(function):
    """Whether a room above the mixes adds its row."""
    module = getattr(function, "__module__", None) or ""
    return module.startswith(("tinygrad_lossmix.answers", "tinygrad_lossmix.proof"))
