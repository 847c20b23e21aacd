"""Is a mix sound? A verdict, with the numbers that show it."""
