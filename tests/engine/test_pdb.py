"""pdb stops inside a derivative rule, the user's and those of the table."""

import re
import subprocess
import sys
from pathlib import Path

from tinygrad_lossmix.engine import derivatives

PROGRAM = """
import numpy as np
import tinygrad_lossmix as lm

def cube(x):
    return x**3

def slope(g, z, x):
    {}
    return 3.0 * g * x * x

cube = lm.derivative(cube, slope)
x = lm.Tensor([2.0, 3.0], name="x")
print("gradient", lm.grad((cube(x) * np.tanh(x)).sum(), x).round(3))
"""


def typed(folder, program, commands, *options):
    path = folder / "net.py"
    path.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *options, str(path)],
        input="\n".join(commands),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def test_a_breakpoint_in_a_rule_of_the_users(tmp_path):
    said = typed(tmp_path, PROGRAM.format("breakpoint()"), ["args", "p z", "continue"])
    assert "slope()" in said
    assert "x = array([2., 3.])" in said
    assert "array([ 8., 27.])" in said
    assert "gradient [" in said


def test_a_breakpoint_at_a_line_of_the_table(tmp_path):
    lines = Path(derivatives.__file__).read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(lines, 1) if line.startswith("row(np.tanh"))
    commands = [f"break tinygrad_lossmix/engine/derivatives.py:{number}", "continue", "continue"]
    said = typed(tmp_path, PROGRAM.format("pass"), [*commands, "args", "quit"], "-m", "pdb")
    assert re.search(r"^\(Pdb\) Breakpoint 1 at .*derivatives\.py", said, re.MULTILINE)
    assert "<lambda>()" in said
    assert re.search(r"^x = array\(\[2\., 3\.\]\)$", said, re.MULTILINE)
