"""What can be typed at a prompt: each of these files enters its commands in the table."""

from tinygrad_lossmix.debugger.commands import beside, change, learn, look, move, stop, why  # noqa: F401
