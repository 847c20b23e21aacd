"""How far a number may be off, from the digits it was given with.

>>> half_unit("2.30"), half_unit("1.5e-3"), half_unit(0.25)
(0.005, 5e-05, 0.005)
"""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Any

NOT_FINITE = (
    "an infinite loss comes of ln 0, an output that is exactly 0 or 1",
    "NaN comes of 0 log 0, inf - inf or the log of a negative number",
)


def half_unit(number: Any) -> float:
    """Half a unit of the last digit of a number, as text or as it prints; a 0 has two decimals.

    Raises:
        ValueError: not a finite number.
    """
    text = str(number).strip()
    try:
        given = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    exponent = given.as_tuple().exponent
    if not isinstance(exponent, int) or not math.isfinite(float(given)):
        why = NOT_FINITE[given.is_nan()]
        raise ValueError(
            f"a finite number is needed, not {text}; {why}: compute the cost from the logits "
            "(lm.stabilize)"
        )
    return float(Decimal(5).scaleb((exponent if given else min(exponent, -2)) - 1))
