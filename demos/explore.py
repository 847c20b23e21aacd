"""Which cost goes with which output layer: move the logits and watch the gradient.

Open it with `marimo run demos/explore.py`, after `pip install "tinygrad_lossmix[app,draw]"`.
"""

import marimo

app = marimo.App(width="medium", app_title="Output layers and costs")


@app.cell
def _():
    import marimo as mo
    import numpy as np

    import tinygrad_lossmix as lm

    return lm, mo, np


@app.cell
def _(mo):
    start = [2.0, 1.0, 0.0, -1.0]
    output = mo.ui.radio(["softmax", "sigmoid"], value="softmax", label="output layer", inline=True)
    cost = mo.ui.radio(
        {"cross-entropy": "ce", "log-likelihood": "ll", "quadratic": "quadratic"},
        value="log-likelihood",
        label="cost",
        inline=True,
    )
    classes = [str(k) for k in range(len(start))]
    label = mo.ui.radio(classes, value="0", label="right class", inline=True)
    logits = mo.ui.array(
        [
            mo.ui.slider(-8, 8, step=0.1, value=value, label=f"z[{k}]", show_value=True)
            for k, value in enumerate(start)
        ]
    )
    return cost, label, logits, output, start


@app.cell
def _(cost, lm, output, start):
    mix = lm.Mix(output.value, cost.value)
    found = mix.verdict(len(start))
    return found, mix


@app.cell
def _(label, lm, logits, mix, np):
    z = np.array(logits.value)
    y = int(label.value)
    tensor = lm.Tensor(z, name="z")
    recorded = mix.composed(tensor, y)
    recorded.backward()
    a = mix.activate(z)
    wanted = np.eye(len(z))[y]
    delta = tensor.grad
    return a, delta, recorded, wanted, y, z


@app.cell
def _(a, delta, mo, np, wanted):
    def bar(x):
        """A number from -2 to 2 as a bar that begins in the middle."""
        length = min(abs(x), 2.0) * 34
        left = 70 if x >= 0 else 70 - length
        colour = "#0072b2" if x >= 0 else "#b34c00"
        return (
            f'<svg width="140" height="18" role="img" aria-label="{x:.4g}">'
            f'<rect x="{left:.1f}" y="2" width="{length:.1f}" height="14" fill="{colour}"/>'
            '<path d="M70 0V18" stroke="currentColor"/></svg>'
        )

    def cell(x):
        return f"<td>{bar(x)}</td><td><code>{x + 0.0:.4f}</code></td>"

    columns = {"a": a, "y": wanted, "delta": delta, "a - y": a - wanted}
    heads = "".join(f'<th colspan="2">{name}</th>' for name in columns)
    rows = "".join(
        f"<tr><th>{k}</th>{''.join(map(cell, row))}</tr>"
        for k, row in enumerate(np.transpose(list(columns.values())))
    )
    bars = mo.Html(f"<table><thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table>")
    return (bars,)


@app.cell
def _(lm, mix, mo, y, z):
    words = {"ce": "cross-entropy", "ll": "log-likelihood", "quadratic": "quadratic"}
    costs = {name: float(lm.Mix(mix.output, name).cost(z, y)) for name in words}
    stats = mo.hstack(
        [mo.stat(f"{costs[name]:.4f}", label=words[name], bordered=True) for name in words],
        justify="start",
    )
    return costs, stats


@app.cell
def _(found, mix, mo):
    letters = {"S": "S = Σy", "e": "e = a - y", "r": "r = a/(1 - a)"}
    used = [meaning for letter, meaning in letters.items() if letter in mix.formula]
    verdict = mo.md(
        f"- **{mix}**: delta = {', '.join([mix.formula, *used])}\n"
        f"- delta = a - y: {found.condition}\n"
        f"- problems: {found.failure}\n"
        f"- advice: {found.advice}"
    )
    return (verdict,)


@app.cell
def _(lm, mo, recorded):
    try:
        drawing = mo.Html(lm.draw(recorded).svg())
    except RuntimeError as error:
        drawing = mo.plain_text(f"{error}\n\n{lm.tree(recorded)}")
    return (drawing,)


@app.cell
def _(bars, cost, drawing, label, logits, mo, output, stats, verdict):
    mo.vstack(
        [
            mo.md("# Output layers and costs"),
            mo.hstack([output, cost, label], justify="start", gap=2),
            mo.hstack([mo.vstack(logits), mo.vstack([stats, verdict])], widths=[1, 2], gap=2),
            bars,
            drawing,
        ],
        gap=1.5,
    )
    return


if __name__ == "__main__":
    app.run()
