"""Which tests run in one worker: those of a file, and files that share what is long to make."""

import functools
import re

from xdist.scheduler import LoadScopeScheduling

SHARED = {  # found in the text of a file
    "answers": r"helpers(\.| import )once\b",
    "browser": r"\b(chromium|opened|in_a_notebook)\b",
}


class Together(LoadScopeScheduling):
    """Files that share are one piece of work, any other is one by itself."""

    def _split_scope(self, nodeid):
        return piece(self.config.rootpath / nodeid.partition("::")[0])


@functools.cache
def piece(path):
    text = path.read_text(encoding="utf-8")
    return next((name for name, shared in SHARED.items() if re.search(shared, text)), str(path))
