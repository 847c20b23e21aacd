"""Questions about outputs and costs, answered by computing."""
