"""A function as a straight-line program of NumPy calls: traced, simplified, written out."""
