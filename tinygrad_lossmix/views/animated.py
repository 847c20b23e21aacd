"""A drawing that plays the walk: values forward, the seed, then one product after the other, back.

In CSS alone, so that it plays inside an `<img>`; whoever prefers reduced motion sees all at once.

>>> from tinygrad_lossmix.views.picture import Box, Cluster
>>> box = '<g id="node1" class="node cost">\\n<title>n0</title>\\n<text>C</text>\\n</g>'
>>> shown = Picture([Box("cost", "C", ["C"], "", "")], [], Cluster("", [0]))
>>> re.findall("animation-name: [a-z]+[0-9]", animated(f"<svg>{box}</svg>", {"": shown}, ".svg"))
['animation-name: value0']
"""

import re
from collections.abc import Callable, Mapping
from html import unescape
from zlib import crc32

from tinygrad_lossmix.views.picture import Picture

HELD, LONGEST = 4.0, 60.0  # seconds of the whole at the end, and of all steps before it
ELEMENT = re.compile(
    r'(<g id="(?:node|edge)(\d+)" class="([^"]*)")(>\n<title>([^<]*)</title>\n.*?</g>)', re.DOTALL
)
LINE = re.compile(r"<(path|polygon)(?![^>]*dasharray)")
TOTAL = re.compile(r"<text(?=[^>]*>gradient)")  # of a box
MOVES = {  # a: its step, b: it is there, c: it has come all the way, d: the next step, e: the end
    "value": "0%,{a},to{{opacity:.2;stroke-width:1}}{b}{{opacity:1;stroke-width:3}}"
    "{d},{e}{{opacity:1;stroke-width:1}}",
    "product": "0%,{a}{{opacity:0;stroke-width:3;stroke-dashoffset:-1}}{b}{{opacity:1}}"
    "{c}{{stroke-width:3;stroke-dashoffset:0}}{d},{e}{{opacity:1;stroke-width:1}}"
    "to{{opacity:0;stroke-width:1;stroke-dashoffset:0}}",
    "total": "0%,{c},to{{opacity:0}}{d},{e}{{opacity:1}}",
}


def edited(svg: str, element: re.Pattern[str], edit: Callable[[re.Match[str]], str]) -> str:
    """Graphviz's SVG, each element edited in the order of the DOT text, which is its number."""
    every = sorted(element.finditer(svg), key=lambda found: int(found[2]))
    new = {found.start(): edit(found) for found in every}
    return element.sub(lambda found: new[found.start()], svg)


def animated(svg: str, pictures: Mapping[str, Picture], scope: str) -> str:
    """Graphviz's SVG of pictures, each of its elements with the step at which it appears."""
    steps: dict[str, list[int]] = {}  # of what is called so in DOT, in that order
    totals: dict[str, int] = {}  # when the gradient of a box is complete
    for ids, shown in pictures.items():
        seed = sum(box.kind != "constant" for box in shown.boxes)
        swept = {arrow.step for arrow in shown.arrows if arrow.downstream is not None}
        passed = {step: i for i, step in enumerate(sorted(swept), seed + 1)}
        for i, box in enumerate(shown.boxes[:seed]):
            steps[f"{ids}n{i}"] = [i]
            if swept and box.kind == "cost":
                totals[f"{ids}n{i}"] = seed
        for tail, head, arrow, back in shown.ways(ids):
            step = passed[arrow.step] if back else arrow.head
            steps.setdefault(f"{tail}->{head}" + " back" * back, []).append(step)
            if back:
                totals[tail] = max(totals.get(tail, 0), step)
    last = 1 + max(step for each in steps.values() for step in each)
    pace = min(1.0, LONGEST / last)
    whole = last * pace + HELD
    mark = f"{crc32(svg.encode()):x}"  # another drawing may be on the page
    rules: dict[str, str] = {}

    def move(kind: str, step: int) -> str:
        name = f"{kind}{step}-{mark}"
        at = (step, step + 0.2, step + 0.7, step + 1, last + (HELD - 0.5) / pace)
        percent = [f"{100 * pace * each / whole:.2f}%" for each in at]
        frames = MOVES[kind].format(**dict(zip("abcde", percent, strict=True)))
        rules[name] = f"@keyframes {name}{{{frames}}}"
        return f' style="animation-name: {name}"'

    def timed(found: re.Match[str]) -> str:
        opening, _, kind, rest, title = found.groups()
        back = "gradient" in kind
        if waiting := steps.get(unescape(title) + " back" * back):
            opening += move("product" if back else "value", waiting.pop(0))
        if back:
            rest = LINE.sub(r'<\1 pathLength="1"', rest)
        if title in totals:  # never of its first line, which is its name
            name, end, lines = rest.partition("</text>")
            rest = name + end + TOTAL.sub("<text" + move("total", totals[title]), lines)
        return f"{opening}{rest}"

    svg = edited(svg, ELEMENT, timed)
    start = svg.index(">", svg.index("<svg")) + 1
    style = (
        "@media (prefers-reduced-motion: no-preference) {\n"
        f"{scope} :is(g, text)[style] {{ animation: {whole:.1f}s infinite }}\n"
        f"{scope} .gradient[style] {{ stroke-dasharray: 1 }}\n}}\n" + "\n".join(rules.values())
    )
    return f"{svg[:start]}\n<style>{style}</style>{svg[start:]}"
