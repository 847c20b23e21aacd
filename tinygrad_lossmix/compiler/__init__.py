"""Recordings into better recordings."""
