"""Values ready for JSON.

>>> plain({"z": np.array([1.0, np.inf]), "K": np.int64(2)})
{'z': [1.0, None], 'K': 2}
"""

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Arrays as lists, numbers that are not finite as None, no negative zero."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else None
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def attributes(of: Any, *names: str) -> dict[str, Any]:
    """Some attributes of an object, by name."""
    return {name: getattr(of, name) for name in names}


def to_json(value: Any) -> str:
    """One object as a command prints it."""
    return json.dumps(plain(value), indent=2, allow_nan=False) + "\n"
