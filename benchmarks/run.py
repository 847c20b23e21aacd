"""This engine beside NumPy by hand and the peers that are installed, by one command.

    python benchmarks/run.py [--quick] [--only W2 W3 …] [--engines WORD …] [--check]
                             [--docs] [--table FILE.md] [--chart FILE.svg] [--json FILE]

It prints the tables that --table writes; progress goes to stderr. --docs puts the figures into
docs/speed.md and README.md and draws benchmarks/chart.svg. Ten to twelve minutes, with
--quick under one (fewer rounds and cases, not what takes seconds to compile). Libraries that are
missing are named and left out. On Linux `chrt -f 10` before the command keeps others off its core.

How to read it: a figure of W2 to W5 and of classes is the time for a cost and its gradient in units
of the same mathematics written by hand in NumPy, the median of paired runs with its quartiles: 2.00
(1.96-2.05) is twice as long. Under 1 is faster than by hand. NumPy by hand, and every peer that is
given the book's formulas, is unstable at large logits; "one node", "compiled" and PyTorch's fused
losses (softmax ce has none) are not. W6 is in microseconds per operation, W7 in units of `import
numpy`, W8 in arrays of z.

The rules, for everybody alike: one process, one thread, one core; the two sides of a ratio in turn,
A B A B …; value and gradients compared with the hand-written ones before anything is timed, and
whoever is wrong is named instead. What is differentiated arrives as NumPy arrays and gradients
leave as NumPy arrays, the value as a number: these conversions are timed. Labels and the inputs of
a network are converted beforehand.

    WORKLOADS   W2 z (10,)   W3 z (64, 10)   W4 networks   W5 z (4096, 1000) float32
                classes: integer labels, z (4096, 1000), (256, 32000), (64, 128000) float32
                W6 chains of 100 to 1,000,000 operations   W7 imports   W8 memory   scaling
"""

from pinning import pin

if __name__ == "__main__":
    pin()  # before anything imports NumPy
    from suite import main

    main()
