"""A Mermaid flowchart read back, by a grammar so narrow that no line can be more than it should."""

import re
import string
from typing import NamedTuple

HARMLESS = set(string.ascii_letters + string.digits + " _,.=+/()[]-")
ENTITY = re.compile(r"#(\d+);")
LABEL = r'"((?:[^"#]|#\d+;)*)"'
HEAD = re.compile(r'%%\{init: \{[\w":, #{}]*\}\}%%\Z')
BOX = re.compile(rf"    (\w+)(\(\[|>|\(|\[\[|\{{\{{|\[){LABEL}[\])}}]{{1,2}}:::(\w+)\Z")
FRAME = re.compile(rf"    subgraph (\w+)\[{LABEL}\]\Z")
FORWARD = re.compile(r"    (\w+) --> (\w+)\Z")
BACK = re.compile(rf"    (\w+) <-\.->(?:\|{LABEL}\|)? (\w+)\Z")
REST = re.compile(r"    (end|class \w+ frame|classDef \w+ [\w:,#]+|linkStyle [\d,]+ [\w:,#-]+)\Z")


class Flowchart(NamedTuple):
    boxes: dict  # name -> (class, lines)
    forward: list  # (from, to)
    back: list  # (from, to, label), from the cost to the inputs
    frames: dict  # name -> (title, the boxes in it)
    turned: list  # the links whose head is at their start


def read(text):
    """What a flowchart shows; fails at a line that is not of those that we write."""
    head, kind, *lines, last = text.split("\n")
    assert HEAD.match(head), head
    assert (kind, last) == ("flowchart TB", "")
    chart = Flowchart({}, [], [], {}, [])
    inside = []
    for line in lines:
        if found := BOX.match(line):
            name, _, label, kind = found.groups()
            assert name not in chart.boxes
            chart.boxes[name] = kind, [decoded(part) for part in label.split("<br/>")]
            for frame in inside:
                chart.frames[frame][1].append(name)
        elif found := FRAME.match(line):
            chart.frames[found[1]] = decoded(found[2]), []
            inside.append(found[1])
        elif found := FORWARD.match(line):
            chart.forward.append(found.groups())
        elif found := BACK.match(line):
            chart.back.append((found[3], found[1], decoded(found[2] or "")))
        else:
            assert REST.match(line), line
            if line.strip() == "end":
                inside.pop()
            if "linkStyle" in line:
                chart.turned.extend(map(int, line.split()[1].split(",")))
    assert not inside
    return chart


def decoded(label):
    """A label as it is seen; what is no entity in it is a letter, a digit or a harmless sign."""
    assert set(ENTITY.sub("", label)) <= HARMLESS, label
    return ENTITY.sub(lambda found: chr(int(found[1])), label).replace("\u2060", "")
