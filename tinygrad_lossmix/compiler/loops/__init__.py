"""A program as fused loops, compiled by numba."""
