"""W8: the most memory a large step needs, and whether 10,000 steps of W2 leave anything behind.

    python benchmarks/memory.py LIBRARY ENGINE STEPS

Each engine in a process of its own; this is the command that measures one. Peaks are in units of
one array of logits, over what there was before it was given the case: the logits, the labels,
everything it compiled on a small case. A copy of the labels in a form of its own counts. Two ways
of looking, at the second call, so that what the first compiled is not counted but buffers that it
kept are:

* tracemalloc sees what Python and NumPy allocate, exactly, and nothing of other libraries;
* the high-water mark of resident memory (Linux) sees everything that is touched. A library that
  keeps freed buffers for later, as tinygrad does, needs less for the second corner.

Growth is over steps with the garbage collector off: resident memory, and what tracemalloc sees.
"""

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from time import perf_counter

from engines import load, reason
from workloads import classes, large, logits

CORNERS = (("softmax", "ll"), ("softmax", "ce"))
MANY = (256, 32_000)
SECONDS = 6  # at most, for the steps
WARM = 3000  # steps after which the interpreter keeps no more freed tuples and floats for later
STATUS = Path("/proc/self/status")
# large arrays go back to the system when they are freed, whatever was freed before
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_TRIM_THRESHOLD_": "262144"}


def measure(engines, steps):
    """One record for each engine; steps: how many for the growth."""
    rows = []
    for engine in engines:
        if engine.build is not None:
            print(f"W8 {engine.name}", file=sys.stderr)
            rows.append({"engine": engine.name} | alone(engine, steps))
    return rows


def alone(engine, steps):
    """What the process for one engine prints."""
    done = subprocess.run(
        [sys.executable, __file__, engine.library, engine.name, str(steps)],
        capture_output=True,
        text=True,
        env=os.environ | GIVE_BACK,
    )
    if done.returncode:
        return {"state": "failed", "why": (done.stderr.strip().splitlines() or ["died"])[-1][:120]}
    return json.loads(done.stdout)


def resident(field="VmRSS"):
    """Bytes: VmRSS now, VmHWM the most since the last reset."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def peaks(build, case, is_traced):
    """(by resident memory or None, by tracemalloc or None), in arrays."""
    unit = case.inputs[0].nbytes
    seen = None
    if STATUS.exists():
        gc.collect()
        before = resident()
        step = build(case)
        step(*case.inputs)
        gc.collect()  # a recording that is compiled lies in cycles
        Path("/proc/self/clear_refs").write_text("5")
        step(*case.inputs)
        seen = (resident("VmHWM") - before) / unit
        del step
    if not is_traced:
        return seen, None
    tracemalloc.start()
    step = build(case)
    step(*case.inputs)
    gc.collect()
    tracemalloc.reset_peak()
    step(*case.inputs)
    traced = tracemalloc.get_traced_memory()[1] / unit
    tracemalloc.stop()
    return seen, traced


def growth(engine, steps):
    """(steps, bytes of resident memory or None, bytes by tracemalloc), with the collector off."""
    case = logits("W2", (10,), "softmax", "ll")
    step = engine.build(case)
    gc.disable()
    repeated(step, case, WARM)
    before = resident() if STATUS.exists() else None
    done = repeated(step, case, steps)
    grown = resident() - before if STATUS.exists() else None
    tracemalloc.start()
    traced_steps = repeated(step, case, steps)
    traced = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    gc.enable()
    return {
        "steps": done,
        "resident_growth": grown,
        "traced_steps": traced_steps,
        "traced_growth": traced,
    }


def repeated(step, case, steps):
    """How many steps were done before the time was up."""
    end = perf_counter() + SECONDS
    for k in range(steps):
        step(*case.inputs)
        if perf_counter() > end:
            return k + 1
    return steps


def main(library, name, steps):
    engine = load(lambda needed: needed == library)[0][name]
    found = {"state": "measured", "peaks": {}}
    cases = [
        (" ".join(corner), engine.build, logits("", (4, 7), *corner), large(*corner))
        for corner in CORNERS
    ]
    if engine.classes:
        cases.append((f"classes of {MANY}", engine.classes, classes((4, 7)), classes(MANY)))
    for name, build, small, case in cases:
        try:
            build(small)(*small.inputs)
            seen, traced = peaks(build, case, engine.traced)
            found["peaks"][name] = {"resident": seen, "traced": traced}
        except Exception as error:
            found["peaks"][name] = {"why": reason(error)}
    print(json.dumps(found | growth(engine, steps)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
