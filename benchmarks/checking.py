"""Is it the same value and the same gradient? Asked of everything before it is timed.

Compared with the hand-written formulas in float64, at logits where these are right.
"""

import handwritten
import numpy as np

TOLERANCE = {"float64": (1e-9, 1e-12), "float32": (1e-3, 1e-5)}  # of itself, of the largest


def reference(case):
    """Value and gradients in float64."""
    inputs = [array.astype(np.float64) for array in case.inputs]
    if case.y.dtype.kind == "i":
        value, gradient = handwritten.classes(*inputs, case.y)
        return value, (gradient,)
    y = case.y.astype(np.float64)
    if case.x is None:
        value, gradient = handwritten.corner(case.output, case.cost)(*inputs, y)
        return value, (gradient,)
    network = handwritten.network(case.output, case.cost)
    return network(*inputs, case.x.astype(np.float64), y)


def difference(found, case):
    """What is wrong with value and gradients, or None."""
    value, gradients = found
    right_value, right = reference(case)
    relative, absolute = TOLERANCE[case.dtype.name]
    if not abs(value - right_value) <= relative * abs(right_value):
        return f"the value is {value:.6g}, not {right_value:.6g}"
    if len(gradients) != len(right):
        return f"{len(gradients)} gradients, not {len(right)}"
    for k, (gradient, expected) in enumerate(zip(gradients, right, strict=True)):
        name = f"gradient {k + 1} of {len(right)}"
        if type(gradient) is not np.ndarray or gradient.dtype != case.dtype:
            kind = getattr(gradient, "dtype", type(gradient).__name__)
            return f"{name} is of {kind}, not {case.dtype}"
        if gradient.shape != expected.shape:
            return f"{name} is of shape {gradient.shape}, not {expected.shape}"
        size = np.abs(expected).max()
        apart = np.abs(gradient - expected)
        if not (apart <= relative * np.abs(expected) + absolute * size).all():
            return f"{name} is off by {np.nanmax(apart) / size:.1e} of its largest component"
    return None
