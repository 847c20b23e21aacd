"""What is published can be built, and holds all that its own tests read."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAST = ("test_house", "test_output_delta", "test_package", "test_pages")


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_tests_pass_from_the_sdist(tmp_path: Path) -> None:
    run(ROOT, "hatchling", "build", "-t", "sdist", "-d", str(tmp_path))
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as members:
        members.extractall(tmp_path, filter="data")
    folder = archive.with_name(archive.name.removesuffix(".tar.gz"))
    here = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py")]
    assert [path for path in here if not (folder / path).is_file()] == []
    run(folder, "pytest", "-q", "--collect-only", "-m", "slow or not slow")
    run(folder, "pytest", "-q", "-x", *(f"tests/{name}.py" for name in FAST))
