"""What was claimed about the question, and the rule that answers it, each claim recomputed.

>>> CLAIMS[0].said[:42], CLAIMS[0].answer().holds
('what happens with sigmoid and log-likeliho', True)
"""

from tinygrad_lossmix.answers.claims import about_costs, about_layers
from tinygrad_lossmix.answers.claims.claim import BY, Answer, Claim
from tinygrad_lossmix.printing import AsPrinted, paragraph

LEGEND = "CE is the book's cross-entropy, eq. 63; LL its log-likelihood, eq. 80."

FOUND = [x for part in (about_layers, about_costs) for x in vars(part).values() if type(x) is Claim]
CLAIMS = sorted(FOUND, key=lambda x: BY.index(x.by))


class Claims(AsPrinted, list[Answer]):
    """All answers; printed, a block for each."""

    def __str__(self) -> str:
        blocks = []
        for number, answer in enumerate(self, start=1):
            verdict = answer.verdict if answer.holds else "UNEXPECTED: this came out otherwise"
            rest = {"expected": answer.expected, "obtained": answer.obtained, "verdict": verdict}
            lines = [paragraph(f"{answer.by}: {answer.claim}", "    ", f"{number:2}  ")]
            lines += [paragraph(rest[name], " " * 14, f"    {name:10}") for name in rest]
            blocks.append("\n".join(lines))
        held = sum(answer.holds for answer in self)
        end = f"{held} of {len(self)} came out as expected. {LEGEND}"
        return "\n\n".join([*blocks, paragraph(end)])


def claims() -> Claims:
    """All of them, computed now."""
    return Claims(each.answer() for each in CLAIMS)
