"""Finding unstable patterns in a recording, by structure."""
