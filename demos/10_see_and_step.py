"""Draw a recording, then walk backwards through it, one vector-Jacobian product at a time."""

import tempfile
from pathlib import Path

import tinygrad_lossmix as lm

z = lm.Tensor([2.0, 1.0, 0.0], name="z")
cost = lm.Mix("softmax", "ll").composed(z, 1)
cost.backward()

print(lm.tree(cost))

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "softmax_ll.dot"
    lm.draw(cost).save(path)
    print(
        f"\nthe drawing as DOT: {len(path.read_text())} characters; .svg, .png and .pdf as well\n"
    )

stepper = lm.Stepper(cost)
while not stepper.at_end:
    stepper.next()
    print(stepper)
print("\nand back again, exactly:")
stepper.back()
print(stepper)
