"""A reverse sweep walked by hand: the stepper, and the prompt on it."""
