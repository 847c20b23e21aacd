"""What the package asks for, read from its own metadata."""

from tinygrad_lossmix import installation


def test_each_extra_brings_what_the_package_file_says():
    found = {(part.extra, part.package) for part in installation.parts()}
    assert found == {
        ("", "numpy"),
        ("", "graphviz"),
        ("", "click"),
        ("", "rich"),
        ("draw", "pygraphviz"),
        ("plot", "matplotlib"),
        ("prove", "sympy"),
        ("verify", "hypothesis"),
        ("verify", "mpmath"),
        ("fast", "numba"),
        ("fast", "scipy"),
        ("app", "marimo"),
    }


def test_what_is_required_is_here():
    needed = [part for part in installation.parts() if not part.extra]
    assert all(part.version and not part.advice for part in needed)


def test_a_package_that_is_not_there_has_no_version():
    assert installation.version("no-such-distribution") is None
