"""What you import in your own tests: derivatives that the engine has no part in."""
