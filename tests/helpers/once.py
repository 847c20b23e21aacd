"""Answers that take long and that many tests ask for: each is computed once in a process."""

import functools

from tinygrad_lossmix.answers.claims.claim import Claim
from tinygrad_lossmix.answers.match.overview import table
from tinygrad_lossmix.answers.verdict.verdict import verdict

answer = functools.cache(Claim.answer)
rows = functools.cache(table)
verdict_on = functools.cache(lambda mix, classes, labels=None: verdict(mix, classes, labels))
