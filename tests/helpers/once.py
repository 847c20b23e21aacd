"""Answers that take long and that many tests ask for: each is computed once in a process."""

import functools

from tinygrad_lossmix.answers.claims.claim import Claim
from tinygrad_lossmix.answers.match.partners import table
from tinygrad_lossmix.answers.verdict.grounds import gather
from tinygrad_lossmix.answers.verdict.verdict import verdict
from tinygrad_lossmix.proof.proof import prove
from tinygrad_lossmix.registry import HIGHER

answer = functools.cache(Claim.answer)
rows = functools.cache(table)
proof_of = functools.cache(prove)
grounds_on = functools.cache(gather)
verdict_on = functools.cache(lambda mix, classes, labels=None: verdict(mix, classes, labels))


def in_commands(monkeypatch):
    """The commands print these answers."""
    monkeypatch.setitem(HIGHER, "verdict", verdict_on)
    monkeypatch.setattr("tinygrad_lossmix.lab.report.gather", grounds_on)
    monkeypatch.setattr("tinygrad_lossmix.verdict", verdict_on, raising=False)
    monkeypatch.setattr("tinygrad_lossmix.cli.answers.table", rows)
    monkeypatch.setattr(Claim, "answer", lambda claim: answer(claim))
