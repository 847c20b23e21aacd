"""The command behind run.py: what to measure, in which order, and where to write it."""

import argparse
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import chains
import chart
import documents
import imports
import memory
import ratios_to_hand
import scaling
import table
from engines import FILES, load
from workloads import cases

from tinygrad_lossmix.files import write

WORKLOADS = ("W2", "W3", "W4", "W5", "classes", "W6", "W7", "W8", "scaling")


def options():
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description="this engine, NumPy by hand and the peers")
    parser.add_argument("--quick", action="store_true", help="under one minute")
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, default=WORKLOADS, metavar="W")
    parser.add_argument(
        "--engines", nargs="+", metavar="WORD", help="those with one of these in their name"
    )
    parser.add_argument("--check", action="store_true", help="compare gradients, time nothing")
    parser.add_argument("--docs", action="store_true", help="docs/speed.md, README.md, the chart")
    parser.add_argument("--table", type=Path, metavar="FILE.md")
    parser.add_argument("--chart", type=Path, metavar="FILE.svg")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def measured(options):
    """Everything that was asked for, as one object."""
    found, absent = load()
    engines = [
        engine
        for engine in found.values()
        if not (options.quick and engine.slow_to_build)
        and (not options.engines or any(word in engine.name for word in options.engines))
    ]
    if options.quick:
        absent |= {e.name: "left out by --quick" for e in found.values() if e.slow_to_build}
    only, quick = options.only, options.quick
    budget = 0 if options.check else 0.04 if quick else 0.4
    result = {"machine": machine(), "absent": absent}
    result["ratios"] = ratios_to_hand.measure(cases(only, quick), engines, budget)
    if options.check:
        return result
    local = [engine for engine in engines if table.is_local(engine.name)]
    if "scaling" in only:
        result["scaling"] = scaling.measure(local, 3 if quick else 20)
    if "W6" in only:  # after all that is short: a heap that held a million nodes is slow
        result["chains"] = chains.measure([10**k for k in range(2, 4 if quick else 7)], engines)
    if "W7" in only:
        result["imports"] = imports.measure(imports.LIBRARIES[: 1 if quick else None], 12)
    if "W8" in only:
        result["memory"] = memory.measure(local if quick else engines, 1000 if quick else 10_000)
    return result


def machine():
    """What the figures depend on."""
    libraries = {}
    for library in FILES.values():
        try:
            libraries[library] = version(library)
        except Exception:
            continue
    return {
        "cpu": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": libraries,
    }


def processor():
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def main():
    chosen = options()
    start = perf_counter()
    result = measured(chosen)
    result["seconds"] = perf_counter() - start
    text = table.markdown(result)
    print(text)
    if chosen.table:
        write(chosen.table, text.encode())
    if chosen.json:
        write(chosen.json, json.dumps(result, indent=1, allow_nan=False).encode() + b"\n")
    if chosen.chart:
        write(chosen.chart, chart.svg(result["ratios"]).encode())
    if chosen.docs:
        documents.renew(result["ratios"])
    print(f"{result['seconds']:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
