"""What a loss that does not move says."""
