"""Which cost goes with which output layer: move the logits and watch the gradient.

Open it with `marimo run demos/explore.py`, after `pip install "tinygrad_lossmix[app,draw,plot]"`.
"""

import marimo

app = marimo.App(width="medium", app_title="Output layers and costs")


@app.cell
def _():
    import marimo as mo
    import numpy as np

    import tinygrad_lossmix as lm

    names = {"cross-entropy": "ce", "log-likelihood": "ll", "quadratic": "quadratic"}
    return lm, mo, names, np


@app.cell
def _(mo, names):
    start = [-3.0, 5.0, 0.0, -1.0]  # confidently wrong: class 0 is right
    output = mo.ui.radio(["softmax", "sigmoid"], value="softmax", label="output", inline=True)
    cost = mo.ui.radio(names, value="quadratic", label="cost", inline=True)
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
        length = min(abs(x), 2.0) * 25
        left = 50 if x >= 0 else 50 - length
        colour = "#0072b2" if x >= 0 else "#b34c00"
        return (
            f'<svg width="100" height="16" role="img" aria-label="{x:.4g}">'
            f'<rect x="{left:.1f}" y="1" width="{length:.1f}" height="14" fill="{colour}"/>'
            '<path d="M50 0V16" stroke="currentColor"/></svg>'
        )

    def cell(x):
        return f"<td>{bar(x)}</td><td><code>{x + 0.0:.4f}</code></td>"

    columns = {"a": a, "y": wanted, "δ": delta, "a - y": a - wanted}
    heads = "".join(f'<th colspan="2">{name}</th>' for name in columns)
    rows = "".join(
        f"<tr><th>{k}</th>{''.join(map(cell, row))}</tr>"
        for k, row in enumerate(np.transpose(list(columns.values())))
    )
    bars = mo.Html(f"<table><thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table>")
    return (bars,)


@app.cell
def _(a, delta, np, wanted, y):
    error = a - wanted
    share = np.linalg.norm(delta) / np.linalg.norm(error)
    answer = int(a.argmax())
    ignored = [k for k in range(len(a)) if k != y and a[k] > 0.1 and delta[k] == 0.0]
    raised = [k for k in range(len(a)) if k != y and delta[k] < -0.001]
    if np.allclose(delta, error):
        seen = "δ is a - y: every output is pushed as hard as it is wrong."
        then = "Choose the quadratic cost, or sigmoid with log-likelihood, and compare the columns."
    elif ignored:
        k = ignored[0]
        seen = (
            f"Class {k} is wrong, its output is {a[k]:.2f}, and δ[{k}] = 0: nothing pushes it down."
        )
        then = f"Move z[{k}]: δ[{k}] stays 0. Then choose cross-entropy."
    elif share < 0.1:
        seen = (
            f"Class {answer} has the largest output, class {y} is right, and hardly anything is "
            f"learnt: δ is {share:.2%} as long as a - y."
            if answer != y
            else f"The answer is right, and δ is {share:.2%} as long as a - y."
        )
        then = "Compare the last two columns. Then choose log-likelihood: δ becomes a - y."
    elif raised:
        k = raised[0]
        seen = f"Class {k} is wrong, and yet its logit is pushed up: δ[{k}] is negative."
        then = "Choose log-likelihood: every wrong logit is pushed down."
    else:
        seen = f"δ is {share:.2f} times as long as a - y."
        then = "Move the logits until a wrong class wins, and compare the last two columns."
    return seen, then


@app.cell
def _(found, lm, mix, mo, names, seen, then, y, z):
    costs = {name: float(lm.Mix(mix.output, name).cost(z, y)) for name in names.values()}
    shown = ", ".join(f"{long} {costs[name]:.4f}" for long, name in names.items())
    letters = {"S": "S = Σy", "e": "e = a - y", "r": "r = a/(1 - a)"}
    used = [meaning for letter, meaning in letters.items() if letter in mix.formula]
    look = mo.callout(mo.md(f"**{seen}** {then}"), kind="info")
    verdict = mo.md(
        f"**{mix}**: δ = {', '.join([mix.formula, *used])}; problems: {found.failure}. "
        f"Advice: {found.advice}. Costs of these outputs: {shown}."
    )
    return costs, look, verdict


@app.cell
def _(lm, mix, mo):
    matched = lm.Mix(mix.output, {"softmax": "ll", "sigmoid": "ce"}[mix.output])
    arrows = mo.as_html(lm.field(*dict.fromkeys([mix, matched])))
    return (arrows,)


@app.cell
def _(arrows, lm, mo, recorded):
    try:
        drawing = mo.Html(lm.draw(recorded).svg())
    except RuntimeError as reason:
        drawing = mo.plain_text(f"{reason}\n\n{lm.tree(recorded)}")
    views = mo.ui.tabs(
        {
            "-δ for all logits of two classes": arrows,
            "drawing": drawing,
            "step by step": lm.page(recorded),
        }
    )
    return drawing, views


@app.cell
def _(bars, cost, label, logits, look, mo, output, verdict, views):
    controls = mo.vstack([output, cost, label, *logits], gap=0.3)
    mo.vstack(
        [
            mo.md("## Output layers and costs"),
            mo.hstack([controls, mo.vstack([look, bars])], widths=[1, 2], gap=2),
            verdict,
            views,
        ],
        gap=0.5,
    )
    return


if __name__ == "__main__":
    app.run()
