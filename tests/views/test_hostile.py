"""Names that try to break out, through DOT, SVG, the tree and the prompt: all of them at once."""

import io
import random
from xml.etree import ElementTree

import pytest

import tinygrad_lossmix as lm
from tinygrad_lossmix.debugger.repl import Prompt
from tinygrad_lossmix.printing import LONGEST, clean

PARTS = (
    *('"', "'", "\\", "\\N", "\\l", "{", "|", "%s", "&amp;", "&#0;", "<!--", "-->", "]]>", "$("),
    *("<b>", "</script>", "<script>alert(1)</script>", '" URL="javascript:alert(1)', "; n0 -> n1 "),
    *("\x00", "\x1b[31m", "\r\n", "\u202e", "\u2028", "\ud800", "\uffff", "\u200b", "\u0301"),
    *("x" * 60, "__import__('os')", ";;", " > 1", ".grad", "é", "𝕏"),
)


def hostile(seed, number):
    """Names of every kind, one of them 10,000 letters long."""
    rng = random.Random(seed)
    pieces = ["".join(rng.choices(PARTS, k=rng.randint(1, 6))) for _ in range(number // 2)]
    letters = [
        "".join(chr(rng.choice([rng.randrange(256), rng.randrange(0x110000)])) for _ in range(30))
        for _ in range(number // 2 - 1)
    ]
    return [*pieces, *letters, "".join(rng.choices(PARTS, k=10_000))[:10_000]]


@pytest.fixture(params=range(5))
def named(request):
    """40 hostile names and a cost of Tensors that are called so."""
    names = hostile(request.param, 40)
    cost = sum(lm.Tensor(1.0, name=name) for name in names)
    cost.backward()
    return names, cost


def squeezed(text):
    return "".join(text.split())


def test_the_svg_is_well_formed_inert_and_has_every_name_in_full(named):
    names, cost = named
    root = ElementTree.fromstring(lm.draw(cost).svg())
    tags = {each.tag.partition("}")[2] for each in root.iter()}
    assert tags <= {"svg", "style", "g", "title", "text", "path", *("ellipse", "polygon")}
    attributes = [key for each in root.iter() for key in each.attrib]
    assert not [key for key in attributes if "href" in key or key.startswith("on")]
    texts, titles = (
        squeezed("\0".join(each.text for each in root.iter() if each.tag.endswith(tag)))
        for tag in ("}text", "}title")
    )
    for name in map(clean, names):
        assert squeezed(name) in (texts if len(name) <= LONGEST else titles)


def test_the_tree_is_printable(named):
    assert lm.tree(named[1]).replace("\n", "").isprintable()


def test_the_prompt_answers_in_printable_letters_and_evaluates_nothing(named):
    names, cost = named
    answers = io.StringIO()
    prompt = Prompt(lm.Stepper(cost), answers)
    for name in names[::4]:
        for command in ("", "print ", "break ", "watch ", "check ", "set ", "until ", "alias "):
            prompt.onecmd(prompt.precmd(f"{command}{name}"))
            while prompt.cmdqueue:
                prompt.onecmd(prompt.precmd(prompt.cmdqueue.pop(0)))
    for command in ("list", "end", "where", "contrib", "break", "alias", "history", "args"):
        prompt.onecmd(command)
    assert answers.getvalue().replace("\n", "").isprintable()
