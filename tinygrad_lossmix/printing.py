"""Text for a terminal: nothing in it steers the terminal, no letter that the terminal lacks.

>>> clean("cost\\n\\x07"), "a → b".encode("ascii", SPELLED)
('cost\\\\n\\\\x07', b'a -> b')
"""

from __future__ import annotations

import codecs
import unicodedata

LONGEST = 40  # letters of a name that are shown
SPELLED = "lossmix.spelled"  # an error handler of codecs
PLAIN = "lossmix_ascii"  # ASCII under a name for which click does not write UTF-8
SPELLINGS = [
    *("→ ->", "… ...", "· *", "∘ *", "± +-", "‖ ||", "≤ <=", "≥ >=", "≠ !=", "∞ inf", "Σ sum"),
    *("Π prod", "δ delta", "∂ d", "σ sigmoid", "ε eps", "η eta", "√ sqrt", "½ 1/2", "² ^2"),
    *("ᵀ ^T", "├ |", "└ `", "│ |", "─ -", "━ -"),
]
LETTERS = {pair[0]: pair[2:] for pair in SPELLINGS}


def clean(text: str) -> str:
    """Text with what is invisible or steers a terminal (control, bidi, surrogates) spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shorten(text: str, longest: int = LONGEST) -> str:
    """Text with its middle left out beyond `longest` letters."""
    if len(text) <= longest:
        return text
    head = longest // 2
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def brief(text: str, longest: int = LONGEST) -> str:
    """Text that anybody may have written, clean and short."""
    return shorten(clean(text), longest)


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_ascii, lacking)), error.end


def _ascii(letter: str) -> str:
    bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return LETTERS.get(letter) or bare or "?"


def _plain(name: str) -> codecs.CodecInfo | None:
    if name != PLAIN:
        return None
    known = codecs.lookup("ascii")
    parts = known.incrementalencoder, known.incrementaldecoder
    return codecs.CodecInfo(*known, *parts, name=PLAIN)


codecs.register_error(SPELLED, _spelled)
codecs.register(_plain)
