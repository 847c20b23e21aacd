"""What the prompt on two walks says: one row for both."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text

from tinygrad_lossmix.debugger.beside import Meeting, Pair
from tinygrad_lossmix.debugger.stops import Link
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.debugger.wording import FLOW, MOST, QUIET, columns, defined, local_text
from tinygrad_lossmix.views.numbers import short

PARTS = ("", "upstream", "local", "downstream", "accumulated")


def view(pair: Pair) -> Text:
    """Where both are: a column for each."""
    sides = pair.left, pair.right
    names = [_mix(walk) for walk in sides]
    rows = [
        (f"[{pair.position}/{len(pair)}]", *names),
        *zip(
            ("", "upstream", "local", "downstream", "accumulated"),
            *map(_column, sides),
            strict=True,
        ),
    ]
    text = columns([row for row in rows if any(row[1:])], (QUIET, FLOW, FLOW), "")
    return text.append(f"\n{_apart(pair.meeting)}") if pair.meeting else text


def both(pair: Pair, answer: Callable[[Walk], Text]) -> Text:
    """What is said about each walk, one below the other."""
    parts = []
    for side, walk in (("left", pair.left), ("right", pair.right)):
        heading = f"{side}: {_mix(walk)}" if _mix(walk) else side
        parts.append(Text(f"{heading}  {walk.place}\n", QUIET).append_text(answer(walk)))
    return Text("\n").join(parts)


def meetings(pair: Pair) -> Text:
    """The gradients of each quantity that both sides have, from the cost to the logits."""
    found = pair.meetings
    rows = [
        (
            f"dC/d{each.name}",
            short(each.left, MOST),
            short(each.right, MOST),
            "equal" if each.same else f"max difference {each.gap:.4g}",
        )
        for each in found
    ]
    return columns(rows, (QUIET, FLOW, FLOW, ""), "")


def _mix(walk: Walk) -> str:
    return str(walk.reading.symbols.mix) if walk.reading.symbols else ""


def _column(walk: Walk) -> tuple[str, ...]:
    stop, call = walk.stop, walk.reading.call
    if stop is None:
        return f"{walk.place} {defined(walk, walk.cost)}", "1", "", "", ""
    return (
        f"{walk.place} {defined(walk, stop.node)} → {call(stop.argument)}",
        short(stop.g, MOST),
        local_text(Link(stop.node, stop.place).local),
        short(stop.contribution, MOST),
        short(stop.total, MOST),
    )


def _apart(meeting: Meeting) -> str:
    words = "are equal" if meeting.same else f"differ by up to {meeting.gap:.4g}"
    return f"dC/d{meeting.name} is complete on both sides; they {words}"
