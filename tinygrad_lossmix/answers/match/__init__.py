"""The general rule: which cost goes with an output layer, which layer with a cost."""
