"""The table of derivatives run on symbols: formulas and proofs."""
