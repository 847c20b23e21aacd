"""The order of the house: what may import what, how long a file is, one name for one thing."""

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_lossmix as lm
from tests.helpers.calls import hops
from tinygrad_lossmix.registry import HIGHER

ROOT = Path(lm.__file__).parent
FLOORS = (  # from the ground up: a module imports from its own floor and from those before it
    ("printing", "records", "files", "installation", "caller", "quiet", "registry"),
    ("engine",),
    ("mixes",),
    ("compiler",),
    ("proof",),
    ("testing",),
    ("views",),
    ("debugger",),
    ("answers",),
    ("lab",),
    ("cli",),
    ("__main__",),
)
ORDERED = {  # rooms that are read like a book: a file needs only those before it
    "engine": "table rules derivatives refusals freeze sweep tensor arrangements "
    "numpy_calls gradient graph replay",
    "proof": "derivation every_class proof",
    "testing": "check_report methods behaviour highprecision subject comparison planted causes "
    "checking strategies.programs strategies properties",
    "mixes": "labels book costs rows class_forms closed_forms outputs hessians lml layers own mix",
    "compiler": "calls ir ir.trace ir.canonical ir.simplify ir.program ir.storage ir.emit "
    "patterns patterns.structure patterns.published patterns.idioms patterns.linear "
    "patterns.stable_rules patterns.fuse stabilize differentiate lowering loops "
    "loops.threads loops.vector_math loops.operations loops.schedule loops.identifiers "
    "loops.statements loops.backend compile many_points standalone",
    "debugger": "chain_rule rule walk lockstep expressions layout show questions page "
    "commands.session commands.move commands.look commands.change commands.learn commands.why "
    "commands repl",
}
OF_TYPES = {  # imports under TYPE_CHECKING, beside those of the faces; the first goes upwards
    "mixes.mix": {"answers.verdict.verdict"},
}
BY_NAME = {  # modules that import by a name that is not written out, and what
    "": "the public names, when first asked for",
    "testing": "the public names, when first asked for",
    "cli": "the command that is called",
    "cli.user_code": "the user's module",
    "answers.vocabulary": "PyTorch, Keras, scikit-learn",
}


class Import(NamedTuple):
    """One import of the package in it, wherever it stands."""

    module: str  # without the package's name, "" for its face
    imported: str
    line: int
    of_types: bool  # under TYPE_CHECKING

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.imported}"


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


@functools.cache
def nodes(module: str) -> list[ast.AST]:
    return [*ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8")))]


def called(function: ast.expr) -> str:
    """The last of its names."""
    return getattr(function, "attr", getattr(function, "id", ""))


def imports(module: str) -> Iterator[Import]:
    of_types = {
        inner
        for node in nodes(module)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in nodes(module):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}:{node.lineno} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and called(node.func) == "import_module":
            if isinstance(node.args[0], ast.Constant):
                names = [node.args[0].value]
            else:
                assert module in BY_NAME, f"{module}:{node.lineno} imports what is not written out"
        for name in names:
            first, _, rest = name.partition(".")
            if first == "tinygrad_lossmix":
                found = rest if rest in FILES else rest.rpartition(".")[0]
                yield Import(module, found, node.lineno, node in of_types)


@functools.cache
def all_imports() -> list[Import]:
    return [each for module in FILES for each in imports(module)]


def floor(module: str) -> int:
    room = module.partition(".")[0]
    return next(i for i, rooms in enumerate(FLOORS) if room in rooms)


def test_every_room_has_a_floor() -> None:
    rooms = {module.partition(".")[0] for module in FILES if module}
    assert rooms == {room for rooms in FLOORS for room in rooms}


def test_no_import_goes_upwards() -> None:
    within = [each for each in all_imports() if each.module and each.imported and not each.of_types]
    assert not [str(each) for each in within if floor(each.imported) > floor(each.module)]


def test_imports_for_types_only_are_listed() -> None:
    found = [each for each in all_imports() if each.of_types and each.module not in ("", "testing")]
    assert {each.module: {each.imported} for each in found} == OF_TYPES


def test_only_commands_import_the_face() -> None:
    """And the vocabulary, whose expressions are those of a user."""
    found = {each.module for each in all_imports() if not each.imported and not each.of_types}
    assert {each for each in found if not each.startswith("cli")} == {"answers.vocabulary"}


def test_no_circle_of_imports() -> None:
    graph: dict[str, set[str]] = {module: set() for module in FILES}
    for each in all_imports():
        if not each.of_types and each.imported != each.module:
            graph[each.module].add(each.imported)
    graph[""] = set()  # the face runs before every module of it
    assert len([*TopologicalSorter(graph).static_order()]) == len(FILES)  # else a CycleError


@pytest.mark.parametrize("room", ORDERED)
def test_a_file_needs_only_those_before_it(room: str) -> None:
    order = [f"{room}.{name}" for name in ORDERED[room].split()]
    assert sorted([room, *order]) == [module for module in FILES if module.split(".")[0] == room]
    for each in all_imports():
        if each.module in order and each.imported.startswith(room):
            assert each.imported in order[: order.index(each.module)], str(each)


def test_the_engine_says_its_order() -> None:
    words = (lm.engine.__doc__ or "").replace(",", "").replace(".", "").split()
    assert " ".join(words).endswith(ORDERED["engine"])


def test_the_picture_of_the_house_shows_these_floors() -> None:
    text = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
    shown = [name for room in rooms for name in re.findall(r"`([a-z]+)(?:/|\.py)`", room)]
    assert shown[: shown.index("cli") + 1] == [room for rooms in FLOORS[:-1] for room in rooms]


@pytest.mark.parametrize("room", ["engine", "mixes"])
def test_the_lower_rooms_do_not_know_the_compiler(room: str) -> None:
    text = "".join(
        FILES[module].read_text(encoding="utf-8") for module in FILES if module.startswith(room)
    )
    assert not re.findall(r"(?i)compil\w*|traced\w*", text)


def test_what_goes_upwards_by_name_is_listed() -> None:
    assert set(HIGHER) == {"stabilized", "verdict"}
    assert {each.module for each in all_imports() if each.imported == "registry"} == {
        "",
        "mixes.mix",
        "mixes.own",
    }


def test_no_file_is_too_long_to_read_at_once() -> None:
    lengths = {
        module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in FILES.items()
    }
    assert not {module: length for module, length in lengths.items() if length > 350}


def test_no_file_name_stands_for_two_things() -> None:
    """A command may bear the name of what it calls."""
    names = Counter(path.stem for module, path in FILES.items() if not module.startswith("cli."))
    assert [name for name, n in names.items() if n > 1] == ["__init__"]


def test_no_class_name_stands_for_two_things() -> None:
    every = [node for module in FILES for node in nodes(module)]
    names = Counter(node.name for node in every if isinstance(node, ast.ClassDef))
    assert not [name for name, n in names.items() if n > 1]


@pytest.mark.parametrize("face", ["", "testing", "lab"])
def test_no_public_name_hides_a_file(face: str) -> None:
    module = getattr(lm, face) if face else lm
    inside = {name for name in FILES if name.rpartition(".")[0] == face and name != face}
    public = set(module.__all__) - {"book", "lab", "strategies", "testing"}
    assert not public & {name.rpartition(".")[2] for name in inside}


@pytest.mark.parametrize(("call", "changes", "returns"), [("gradcheck", 25, 23), ("draw", 36, 31)])
def test_an_argument_does_not_go_from_file_to_file(call: str, changes: int, returns: int) -> None:
    """At most half of what it was before the package was brought to this order: 50 and 46 for f in
    gradcheck(f, x), 72 and 62 for a cost on its way to a picture."""

    def f(x: lm.Tensor) -> lm.Tensor:
        return np.exp(x).sum()

    cost = lm.Mix("softmax", "ll").composed(lm.Tensor([2.0, 1.0, 0.0], name="z"), 0)
    argument, follow = {
        "gradcheck": (f, lambda: lm.testing.gradcheck(f, [1.0, 2.0])),
        "draw": (cost, lambda: lm.draw(cost)),
    }[call]
    follow()
    found = hops(argument, follow)
    assert found.files[0] == found.files[-1]
    assert 4 < found.changes <= changes
    assert found.returns <= returns


def test_no_generator_is_made_quiet() -> None:
    """What turns warnings off around a call has ended before a generator begins."""
    for module in FILES:
        for each in nodes(module):
            decorators = map(ast.unparse, getattr(each, "decorator_list", ()))
            if any(re.match(r"quiet$|np\.errstate", decorator) for decorator in decorators):
                inside = {type(node) for node in ast.walk(each)}
                assert not inside & {ast.Yield, ast.YieldFrom}, (module, each.lineno)
