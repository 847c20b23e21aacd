"""A wrong pairing in somebody else's framework, found from arrays, numbers and logs."""
