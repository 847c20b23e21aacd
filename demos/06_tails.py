"""Where the book's formulas lose their digits or overflow, and the stable node beside them."""

import numpy as np

import tinygrad_lossmix as lm

mix = lm.Mix("softmax", "ll")
print("z = [x, 0], right class 0: softmax + log-likelihood")
print(
    f"{'x':>7} {'cost, graph':>12} {'cost, node':>12} {'delta_0, graph':>15} {'delta_0, node':>15}"
)
for x in (1.0, 10.0, 40.0, 700.0, 1000.0):
    z = lm.Tensor([x, 0.0])
    with np.errstate(all="ignore"):  # the graph overflows, that is the point
        graph = mix.composed(z, 0)
        by_graph = lm.grad(graph, z)[0]
    node = mix.cost(z, 0)
    print(
        f"{x:7.0f} {float(graph):12.4g} {float(node):12.4g} {by_graph:15.6g} "
        f"{lm.grad(node, z)[0]:15.6g}"
    )
print("\nAt x = 40 the difference a - 1 has rounded to 0; the node computes no such difference.")
