"""The formulas in a text, computed."""

import math
import re


def evaluated(formula, k, accuracy):
    """The value of a formula as it is printed: `2 (1 - 1/K)/K`, `ln(e + K - 1) - accuracy`."""
    text = re.sub(r"\b(ln|log2) ([\w.]+(?:\^-\d+)?(?:e-\d+)?(?:-\d+)?)", r"\1(\2)", formula)
    text = re.sub(r"(?<=[\w)]) (?=\(|ln|log2)", " * ", text).replace("^", "**")
    known = {"ln": math.log, "log2": math.log2, "e": math.e, "K": k, "accuracy": accuracy}
    return eval(text, known)
