"""The training idiom: parameters are plain arrays, `value_and_grad` does the rest."""

import numpy as np

import tinygrad_lossmix as lm

rng = np.random.default_rng(1)
centres = np.array([[-1.0, 0.0], [0.0, 1.2], [1.0, 0.0]])
labels = rng.integers(0, 3, 600)
x = centres[labels] + 0.5 * rng.normal(size=(600, 2))

for mix in lm.MIXES:

    def cost(w, b, x, y, mix=mix):
        return mix.cost(x @ w + b, y)

    step = lm.value_and_grad(cost, wrt=(0, 1))
    w, b = np.zeros((2, 3)), np.zeros(3)
    for _ in range(300):
        value, (dw, db) = step(w, b, x, labels)
        w, b = w - dw, b - db
    a = mix.activate(x @ w + b)
    accuracy = (a.argmax(axis=-1) == labels).mean()
    print(f"{mix!s:26} cost {value:.4f}  accuracy {accuracy:.1%}  mean output {a.mean():.3f}")
