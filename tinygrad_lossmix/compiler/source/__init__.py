"""A program as the text of a NumPy module."""
