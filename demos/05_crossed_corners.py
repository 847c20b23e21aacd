"""What if I mix them? The other two pairs, and the quadratic cost for comparison."""

import numpy as np

import tinygrad_lossmix as lm

z, label = np.array([2.0, 1.0, 0.0]), 1
y = np.eye(3)[label]
print("z", z, " right class", label, "\n")

for mix in lm.MIXES:
    t = lm.Tensor(z)
    delta = lm.grad(mix.composed(t, label), t)
    assert np.allclose(delta, mix.delta(z, label))
    same = "= a - y" if np.allclose(delta, mix.activate(z) - y) else "not a - y"
    print(f"{mix!s:26} delta {delta.round(4) + 0!s:27} {same}")

print("\nsigmoid + log-likelihood: delta of a wrong class is 0. Two labels of one input:")
mix, w = lm.Mix("sigmoid", "ll"), np.zeros(3)
for step in (1, 10, 100, 1000):
    w = np.zeros(3)
    for _ in range(step):
        w = w - mix.delta(w, label) - mix.delta(w, 0)  # two examples, two different classes
    print(
        f"  after {step:4} steps: outputs {lm.sigmoid(w).round(4)}, cost {mix.cost(w, label):.4f}"
    )
print("  the two labels contradict each other, and the cost goes to 0 all the same")
