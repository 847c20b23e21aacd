"""A recording seen: as a tree of text, as a drawing."""
