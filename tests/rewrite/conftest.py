"""Lets the tests of this folder import what lies beside them, and the oracle of the mixes."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "mixes")]
