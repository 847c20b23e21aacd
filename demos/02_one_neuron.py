"""One neuron that has to learn 0 and starts out badly wrong: the book's learning slowdown."""

import tinygrad_lossmix as lm


def train(cost, w, b, eta, epochs=300):
    """The output a for x = 1 after each epoch of gradient descent on w and b."""
    step = lm.value_and_grad(lambda w, b: cost(lm.book.sigmoid(w * 1.0 + b), 0.0), wrt=(0, 1))
    outputs = []
    for _ in range(epochs):
        _, (dw, db) = step(w, b)
        w, b = w - eta * dw, b - eta * db
        outputs.append(float(lm.sigmoid(w + b)))
    return outputs


def first_below_half(outputs):
    return next((epoch for epoch, a in enumerate(outputs, 1) if a < 0.5), None)


for w, b in [(0.6, 0.9), (2.0, 2.0)]:
    print(f"start w = {w}, b = {b}: a = {float(lm.sigmoid(w + b)):.4f}, wanted 0")
    for name in ("quadratic", "cross_entropy"):
        outputs = train(getattr(lm.book, name), w, b, eta=0.15)
        print(
            f"  {name:14} after 300 epochs a = {outputs[-1]:.4f}, "
            f"below one half at epoch {first_below_half(outputs)}"
        )

print("\nThe first gradients say why: dC/dz at a = 0.9820, y = 0")
z = lm.Tensor(4.0, name="z")
for name, formula in [("quadratic", "(a - y) a(1 - a)"), ("cross_entropy", "a - y")]:
    delta = lm.grad(getattr(lm.book, name)(lm.book.sigmoid(z), 0.0), z)
    print(f"  {name:14} {float(delta):.4f}  = {formula}")
