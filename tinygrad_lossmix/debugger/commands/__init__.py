"""What can be typed at a prompt: a file for each group of commands."""
