"""What the question and its answers claim, computed again."""
