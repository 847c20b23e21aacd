"""Check a gradient: the book's interactive figure takes dC/da for dC/dz, and what that does."""

import numpy as np

import tinygrad_lossmix as lm

y = np.zeros(1)  # the neuron is to learn 0


def cost(z):
    """The cross-entropy of one sigmoid neuron."""
    return lm.book.cross_entropy(lm.book.sigmoid(z), y)


def of_the_figure(z):
    """The delta in the figure's source: 1/(1 - a)."""
    return 1.0 / (1.0 - lm.sigmoid(z))


def of_the_book(z):
    """Eq. (66): a - y."""
    return lm.sigmoid(z) - y


z = np.array([4.0])  # the start (2, 2) with x = 1
print("The figure's delta at a = 0.9820:")
print(lm.testing.gradcheck((cost, of_the_figure), z))
print("\nThe book's:")
print(lm.testing.gradcheck((cost, of_the_book), z))


def train(delta, eta):
    """The epoch that first brings a below one half, and a after 300 epochs."""
    w = b = 2.0
    crossed = None
    for epoch in range(1, 301):
        d = delta(np.array([w + b])).item()
        w, b = w - eta * d, b - eta * d
        a = lm.sigmoid(w + b)
        crossed = crossed or (epoch if a < 0.5 else None)
    return crossed, a


print("\nThe missing factor is why the figure needs another learning rate:")
for eta in (0.005, 0.15):
    crossed, a = train(of_the_book, eta)
    print(f"  a - y, eta = {eta}: below one half at epoch {crossed}, after 300 a = {a:.4f}")
