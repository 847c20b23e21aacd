"""What a drawing looks like, on light and on dark paper.

Kinds of boxes differ in shape and in colour; every text has a contrast of at least 4.5 to its
ground. A picture has its own paper, so that it can be read on any page.
"""

from typing import NamedTuple


class Colours(NamedTuple):
    """One set of colours; `boxes` has a fill and a line for each kind of box."""

    paper: str
    ink: str
    arrow: str
    passed: str  # what is passed back along an arrow
    second: str  # the same of a second cost
    frame: str
    boxes: dict[str, tuple[str, str]]


SHAPES = {
    "input": {"shape": "ellipse", "margin": "0.05"},
    "constant": {"shape": "note", "margin": "0.15,0.06"},
    "operation": {"shape": "box", "style": "filled,rounded", "margin": "0.15,0.06"},
    "group": {"shape": "box3d", "margin": "0.2,0.12"},
    "cost": {"shape": "octagon", "penwidth": "2", "margin": "0.04"},
}
PAINT = {  # on light paper and on dark
    "paper": ("#ffffff", "#16181c"),
    "ink": ("#1a1a1a", "#e8e8e8"),
    "arrow": ("#595959", "#a6a6a6"),
    "passed": ("#8a3b00", "#f2b27a"),
    "second": ("#00579c", "#7cc4f5"),
    "frame": ("#8c8c8c", "#7d7d7d"),
}
BOXES = {  # the same, a fill and a line each
    "input": (("#d6ebfa", "#0072b2"), ("#12384f", "#56b4e9")),
    "constant": (("#eeeeee", "#6b6b6b"), ("#33363b", "#a6a6a6")),
    "operation": (("#ffffff", "#1a1a1a"), ("#16181c", "#d0d0d0")),
    "group": (("#e3f3ea", "#00735a"), ("#123d31", "#35c79e")),
    "cost": (("#fde5c8", "#b34c00"), ("#4f2e0d", "#f0932b")),
}
LIGHT, DARK = (
    Colours(
        **{name: both[i] for name, both in PAINT.items()},
        boxes={kind: both[i] for kind, both in BOXES.items()},
    )
    for i in (0, 1)
)


def dark_style(scope: str) -> str:
    """A `<style>` element that turns an SVG inside `scope` dark where the reader asks for it."""
    rules = [
        f".graph > polygon {{ fill: {DARK.paper} }}",
        f"text {{ fill: {DARK.ink} }}",
        f".cluster path {{ stroke: {DARK.frame} }}",
    ]
    arrows = {"": DARK.arrow, ".gradient": DARK.passed, ".gradient.second": DARK.second}
    for kind, colour in arrows.items():
        rules.append(f".edge{kind} :is(text, polygon) {{ fill: {colour} }}")
        rules.append(f".edge{kind} :is(path, polygon) {{ stroke: {colour} }}")
    for kind, (fill, line) in DARK.boxes.items():
        rules.append(f".{kind} :is(polygon, path, ellipse) {{ fill: {fill}; stroke: {line} }}")
        rules.append(f".{kind} polyline {{ stroke: {line} }}")
    dark = "\n".join(f"{scope} {rule}" for rule in rules)
    return f"<style>@media (prefers-color-scheme: dark) {{\n{dark}\n}}</style>"


def page_colours() -> str:
    """The rules that give a page these colours by name."""
    light, dark = map(_variables, (LIGHT, DARK))
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    )


def _variables(colours: Colours) -> str:
    named = colours._asdict()
    boxes = named.pop("boxes")
    named["ground"], named["accent"] = boxes["input"]
    named["lid"], named["lidline"] = boxes["group"]
    return "; ".join(f"--{name}: {value}" for name, value in named.items())
