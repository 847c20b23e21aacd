"""What lies over what in a drawing, measured on the SVG that Graphviz made."""

import itertools
import re
from dataclasses import dataclass, field
from html import unescape
from operator import mul
from unicodedata import east_asian_width
from xml.etree import ElementTree

# Helvetica's widths of the letters from space to ~, in thousandths of the size
WIDTHS = """
    278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556
    556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722
    778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278
    556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584
"""
HELVETICA = dict(zip(map(chr, range(32, 127)), map(int, WIDTHS.split()), strict=True))
NEAR = 0.5  # points: what touches does not overlap
POINTS = 16  # of each piece of a curve that are looked at


@dataclass
class Rectangle:
    """Of a shape or a text; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def corners(self):
        return list(itertools.product((self.left, self.right), (self.top, self.bottom)))

    def around(self, x, y, near=NEAR):
        across = self.left + near < x < self.right - near
        return across and self.top + near < y < self.bottom - near

    def overlaps(self, other):
        across = min(self.right, other.right) - max(self.left, other.left) > NEAR
        return across and min(self.bottom, other.bottom) - max(self.top, other.top) > NEAR


@dataclass
class Part:
    """A box, an arrow or the frame of a cluster, with the texts in it or at it."""

    kind: str
    name: str
    outline: list = field(default_factory=list)  # corners of a box; points of an arrow
    ellipse: bool = False
    texts: list = field(default_factory=list)  # each with its rectangle

    @property
    def rectangle(self):
        xs, ys = zip(*self.outline, strict=True)
        return Rectangle(min(xs), min(ys), max(xs), max(ys))

    def holds(self, x, y, near=NEAR):
        """Whether a point is inside, by more than `near`."""
        r = self.rectangle
        if self.ellipse:
            across, down = (r.right - r.left) / 2 - near, (r.bottom - r.top) / 2 - near
            middle = (r.left + r.right) / 2, (r.top + r.bottom) / 2
            return ((x - middle[0]) / across) ** 2 + ((y - middle[1]) / down) ** 2 < 1
        return r.around(x, y, near) and _within(self.outline, x, y)


def _within(corners, x, y):
    """By the number of sides that a line from the point to the right crosses."""
    inside = False
    for (x1, y1), (x2, y2) in itertools.pairwise([*corners, corners[0]]):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def parts(svg, measured=None):
    """The parts of a drawing. `measured`: rectangles of all texts in order, else by Helvetica."""
    builder = ElementTree.TreeBuilder(insert_comments=True)
    root = ElementTree.fromstring(svg, ElementTree.XMLParser(target=builder))
    measured = iter(measured) if measured is not None else None
    found, name = [], ""
    for each in root.iter():
        if each.tag is ElementTree.Comment:
            name = unescape(each.text).strip()
            continue
        kind = each.get("class", "").split(" ")[0]
        if each.tag.endswith("}text"):
            text = Rectangle(*next(measured)) if measured else _by_helvetica(each)
            found[-1].texts.append(("".join(each.itertext()), text))
        elif kind in ("graph", "node", "edge", "cluster"):
            found.append(Part(kind, name))
        elif each.tag.rpartition("}")[2] in ("path", "polygon", "ellipse") and found:
            _outline(found[-1], each)
    return found


def _outline(part, shape):
    if shape.tag.endswith("}ellipse"):
        x, y, across, down = (float(shape.get(key)) for key in ("cx", "cy", "rx", "ry"))
        part.outline += [(x - across, y - down), (x + across, y + down)]
        part.ellipse = True
        return
    numbers = [*map(float, re.findall(r"-?[\d.]+", shape.get("d") or shape.get("points")))]
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    if part.kind == "edge" and shape.get("d"):
        points = list(_along(points))
    if part.kind == "node" and shape.get("d"):  # with round corners
        part.outline = points
        points = [part.rectangle.corners[i] for i in (0, 1, 3, 2)]
        part.outline = []
    if part.kind == "edge" or not part.outline:
        part.outline += points


def _along(points):
    """Points on a curve of cubic pieces."""
    yield points[0]
    for i in range(0, len(points) - 3, 3):
        for step in range(1, POINTS + 1):
            t = step / POINTS
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            four = zip(*points[i : i + 4], strict=True)
            yield tuple(sum(map(mul, weights, axis)) for axis in four)


def _by_helvetica(text):
    x, y, size = (float(text.get(key)) for key in ("x", "y", "font-size"))
    letters = "".join(text.itertext())
    width = sum(map(_thousandths, letters.strip())) * size / 1000
    left = x - {"middle": width / 2, "end": width}.get(text.get("text-anchor"), 0)
    return Rectangle(left, y - 0.75 * size, left + width, y + 0.22 * size)


def _thousandths(letter):
    return HELVETICA.get(letter) or (1000 if east_asian_width(letter) in "WF" else 700)


def faults(svg, measured=None):
    """Each text that leaves its box, each two that overlap, each arrow over what is not its own."""
    found = parts(svg, measured)
    graph, boxes = found[0], [each for each in found if each.kind == "node"]
    labels = [(each, *text) for each in found if each.kind != "node" for text in each.texts]
    said = []
    for box in boxes:
        for text, r in box.texts:
            if not all(box.holds(x, y, 0) for x, y in r.corners):
                said.append(f"{text!r} leaves the box {box.name}")
    for one, other in itertools.combinations(boxes, 2):
        if one.rectangle.overlaps(other.rectangle):
            said.append(f"the boxes {one.name} and {other.name} overlap")
    for owner, text, r in labels:
        frame = owner if owner.kind == "cluster" else graph
        if not all(frame.rectangle.around(x, y, 0) for x, y in r.corners):
            said.append(f"{text!r} leaves {frame.kind}")
        said += [f"{text!r} is over {box.name}" for box in boxes if r.overlaps(box.rectangle)]
    for (owner, text, r), (owner_of_other, other, s) in itertools.combinations(labels, 2):
        if owner is not owner_of_other and r.overlaps(s):
            said.append(f"{text!r} is over {other!r}")
    for arrow in (each for each in found if each.kind == "edge"):
        own = re.split("->", arrow.name)
        for box in boxes:
            if box.name not in own and any(box.holds(*point, 1) for point in arrow.outline):
                said.append(f"{arrow.name} crosses the box {box.name}")
        for owner, text, r in labels:
            if owner is not arrow and any(r.around(*point) for point in arrow.outline):
                said.append(f"{arrow.name} crosses {text!r}")
    return said
