"""The results as Markdown: the table for a README first, then everything behind it."""

from engines.byhand import BASELINE

FASTEST = "the fastest of the others"


def markdown(result):
    """All tables for which there are results."""
    parts = [
        overview(result["ratios"]),
        *details(result["ratios"]),
        first_calls(result["ratios"]),
        of_chains(result.get("chains", [])),
        of_imports(result.get("imports", [])),
        of_memory(result.get("memory", [])),
        *of_scaling(result.get("scaling", [])),
        notes(result),
    ]
    return "\n".join(part for part in parts if part)


def table(heading, columns, rows):
    """A Markdown table; each row starts with its name."""
    lines = [
        f"### {heading}\n",
        "| " + " | ".join(["", *columns]) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def short(number):
    """Three digits, without an exponent."""
    return (
        f"{number:.2f}"
        if number < 9.995
        else f"{number:.1f}"
        if number < 99.95
        else f"{number:,.0f}"
    )


def with_spread(figures):
    """A median and its quartiles."""
    low, high = figures["quartiles"]
    return f"{short(figures['median'])} ({short(low)}–{short(high)})"


def distinct(values):
    return list(dict.fromkeys(values))


def column(row):
    """The name of the column of an overview that a row belongs to."""
    return f"{row['workload']} {row['size']}"


def slowest(rows, engine, name):
    """The row of the corner that takes longest there, or None where one was not timed."""
    there = [row for row in rows if row["engine"] == engine and column(row) == name]
    if not there or any(row["state"] != "timed" for row in there):
        return None
    return max(there, key=lambda row: row["median"])


def overview(rows):
    """One figure for each engine and workload: its slowest corner."""
    if not any(row["state"] == "timed" for row in rows):
        return ""
    columns = distinct(map(column, rows))
    figures = in_short(rows, columns)
    lines = [[engine, *[each[name] for name in columns]] for engine, each in figures.items()]
    return table(
        f"Time in units of {BASELINE.name}, the slowest corner of each workload", columns, lines
    )


def in_short(rows, columns):
    """Engine -> column -> the figure of its slowest corner, as text; the best peer's at the end."""
    found = {
        engine: {name: slowest(rows, engine, name) for name in columns}
        for engine in distinct(row["engine"] for row in rows)
    }
    peers = [each for engine, each in found.items() if not is_local(engine)]
    if peers:
        found[FASTEST] = {
            name: min(
                [each[name] for each in peers if each[name]],
                key=lambda row: row["median"],
                default=None,
            )
            for name in columns
        }
    return {
        engine: {name: short(row["median"]) if row else "–" for name, row in each.items()}
        for engine, each in found.items()
    }


def is_local(engine):
    """Whether it is NumPy by hand, or ours."""
    return "by hand" in engine or "lossmix" in engine


def details(rows):
    """For each workload every case, with quartiles."""
    for workload in distinct(row["workload"] for row in rows):
        there = [row for row in rows if row["workload"] == workload]
        cases = distinct((row["size"], row["mix"]) for row in there)
        same_size = len({size for size, _ in cases}) == 1
        cells = {(row["engine"], row["size"], row["mix"]): cell(row) for row in there}
        lines = [
            [engine, *[cells.get((engine, *case), "–") for case in cases]]
            for engine in distinct(row["engine"] for row in there)
        ]
        heading = f"{workload} {cases[0][0]}" if same_size else f"{workload} {cases[0][1]}"
        yield table(heading, [mix if same_size else size for size, mix in cases], lines)


def cell(row):
    return with_spread(row) if row["state"] == "timed" else row["state"]


def first_calls(rows):
    """How long building and the first call take: what compiling costs."""
    sizes = distinct(map(column, rows))
    lines = []
    for engine in distinct(row["engine"] for row in rows):
        longest = [
            [
                r["first_ms"]
                for r in rows
                if r["engine"] == engine and column(r) == size and "first_ms" in r
            ]
            for size in sizes
        ]
        lines.append([engine, *[short(max(times)) if times else "–" for times in longest]])
    return (
        table("Building it and the first call, ms, the slowest corner", sizes, lines)
        if lines
        else ""
    )


def of_chains(rows):
    if not rows:
        return ""
    sizes = distinct(row["operations"] for row in rows)
    lines = []
    for engine in distinct(row["engine"] for row in rows):
        there = {row["operations"]: row for row in rows if row["engine"] == engine}
        cells = [
            f"{short(there[n]['us_per_operation'])}, {short(there[n]['median'])} x"
            if there[n]["state"] == "timed"
            else there[n]["why"]
            for n in sizes
        ]
        lines.append([engine, *cells])
    return table(
        "W6 chains: µs per operation, and the ratio to the first line",
        [f"{n:,} operations" for n in sizes],
        lines,
    )


def of_imports(rows):
    lines = [[row["library"], with_spread(row), f"{row['ms']:.0f}"] for row in rows]
    columns = ["in units of `import numpy`", "ms"]
    return table("W7 a process that imports it", columns, lines) if rows else ""


def of_memory(rows):
    if not rows:
        return ""
    mixes = distinct(mix for row in rows for mix in row.get("peaks", {}))
    columns = [f"{mix}, {how}" for mix in mixes for how in ("tracemalloc", "resident")]
    columns += ["resident, bytes a step", "tracemalloc, bytes a step"]
    lines = []
    for row in rows:
        if row["state"] != "measured":
            lines.append([row["engine"], row["why"], *["–"] * (len(columns) - 1)])
            continue
        cells = [
            arrays(row["peaks"].get(mix, {}), how)
            for mix in mixes
            for how in ("traced", "resident")
        ]
        cells += [
            per_step(row["resident_growth"], row["steps"]),
            per_step(row["traced_growth"], row["traced_steps"]),
        ]
        lines.append([row["engine"], *cells])
    return table(
        "W8 memory: peak of W5 in arrays; growth of W2 with the collector off", columns, lines
    )


def arrays(peak, how):
    value = peak.get(how)
    return "–" if value is None else f"{value:.1f}"


def per_step(growth, steps):
    return "–" if growth is None else f"{growth / steps:.1f}"


def of_scaling(rows):
    for dimension in distinct(row["dimension"] for row in rows):
        there = [row for row in rows if row["dimension"] == dimension]
        lines = [[row["engine"], *map(short, row["us"]), f"{row['exponent']:.2f}"] for row in there]
        columns = [*[f"{size:,}" for size in there[0]["sizes"]], "exponent"]
        yield table(f"Scaling with {dimension}: µs", columns, lines)


def notes(result):
    """What was not measured and why, and on what the rest was."""
    lines = [f"* {library}: {why}" for library, why in result["absent"].items()]
    failures = [row for row in result["ratios"] if row["state"] in ("failed", "wrong")]
    for engine, state, why in distinct((r["engine"], r["state"], r["why"]) for r in failures):
        where = [
            f"{column(row)} {row['mix']}"
            for row in failures
            if (row["engine"], row["state"], row["why"]) == (engine, state, why)
        ]
        more = f" and {len(where) - 1} more" if len(where) > 1 else ""
        lines.append(f"* {engine}: {state} on {where[0]}{more}: {why}")
    machine = result["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    lines.append(
        f"* One thread, one of {machine['cores']} cores, {machine['cpu']}, {machine['system']}, "
        f"Python {machine['python']}, {libraries}."
    )
    return "\n".join(lines) + "\n"
