"""What can be typed at a prompt: each of these files enters its commands in the table."""

from tinygrad_lossmix.debugger.commands import change, learn, look, move, why  # noqa: F401
