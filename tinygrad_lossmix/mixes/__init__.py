"""Output layers, costs, and their six pairings."""
