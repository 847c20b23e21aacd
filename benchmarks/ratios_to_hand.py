"""Every engine on every case, as a ratio to NumPy by hand in the same minute."""

import sys
from time import perf_counter

from checking import difference
from engines import reason
from engines.byhand import BASELINE
from timing import paired


def measure(cases, engines, budget):
    """One record for each case and engine; budget in seconds for each, 0: gradients only."""
    rows = []
    for case in cases:
        print(f"{case.workload} {case.size} {case.mix}", file=sys.stderr)
        baseline = builder(BASELINE, case)(case)
        for engine in engines:
            if builder(engine, case) is not None:
                where = {"workload": case.workload, "size": case.size, "mix": case.mix}
                who = {"engine": engine.name, "library": engine.library}
                rows.append(where | who | one(case, engine, baseline, budget))
    return rows


def builder(engine, case):
    """What builds the case, or None where the engine is not asked to."""
    return engine.classes if case.workload == "classes" else engine.build


def one(case, engine, baseline, budget):
    """Its figures, or why there are none."""
    start = perf_counter()
    try:
        step = builder(engine, case)(case)
        found = step(*case.inputs)
        first = perf_counter() - start
        wrong = difference(found, case)
    except Exception as error:  # a peer that cannot do this is no reason to stop
        return {"state": "failed", "why": reason(error)}
    if wrong:
        return {"state": "wrong", "why": wrong}
    agreed = {"first_ms": first * 1e3}
    if not budget:
        return agreed | {"state": "agrees"}
    return agreed | {"state": "timed"} | paired(baseline, step, case.inputs, budget)
