"""Every command that takes a mix takes lml, whose outputs have no graph of primitives."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tinygrad_lossmix.cli import main


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("delta lml ce --z 1000,0,0 --y 0", "5.038e-218"),
        ("delta lml quadratic --beside softmax quadratic", "lml + quadratic"),
        ("step lml ce --batch -c next;;delta;;local|a", "w = s / sum(s)"),
        ("check lml ll", "gradcheck passed"),
        ("match output lml", "cross-entropy goes with it"),
        ("prove lml ce", "delta = a - y exactly where sum(y) = 1"),
    ],
)
def test_a_command_answers(args: str, said: str) -> None:
    result = CliRunner().invoke(main, [arg.replace("|", " ") for arg in args.split()])
    assert result.exit_code == 0, result.output
    assert said in " ".join(result.output.split())


@pytest.mark.parametrize("command", ["draw lml ll -o", "page lml quadratic -o"])
def test_a_picture_is_written(command: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.dot" if "draw" in command else "a.html")
    assert CliRunner().invoke(main, [*command.split(), str(path)]).exit_code == 0
    assert "lml" in path.read_text(encoding="utf-8")
