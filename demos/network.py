"""A network of two layers and a batch of four: what the prompt, the drawing and the page are for.

lossmix step demos.network:loss --input 3x5 --input 5 --input 5x3 --input 3
"""

import numpy as np

import tinygrad_lossmix as lm

# Four examples: three numbers each, and the class that each belongs to.
x = np.array([[1.0, 0.5, -1.0], [0.0, -0.5, 2.0], [-1.5, 1.0, 0.5], [0.5, 2.0, 0.0]])
y = np.eye(3)[[0, 2, 1, 1]]


def loss(W1, b1, W2, b2):
    """The mean cost of the batch: a hidden layer of tanh, softmax, log-likelihood."""
    h = np.tanh(x @ W1 + b1)
    z = h @ W2 + b2
    a = lm.book.softmax(z)
    return lm.book.log_likelihood(a, y)


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    parameters = [rng.normal(size=shape) for shape in [(3, 5), 5, (5, 3), 3]]
    step = lm.value_and_grad(loss, wrt=(0, 1, 2, 3))
    for epoch in range(100):
        cost, gradients = step(*parameters)
        if epoch % 20 == 0:
            print(f"after {epoch:2} steps the cost is {cost:.4f}")
        parameters = [w - 0.5 * dw for w, dw in zip(parameters, gradients, strict=True)]

    # The same cost with its gradients, one operation to a line.
    cost = loss(*map(lm.Tensor, parameters, ["W1", "b1", "W2", "b2"]))
    cost.backward()
    print(f"\n{lm.tree(cost)}")
