"""`python -m tinygrad_lossmix` is the command `lossmix`."""

from tinygrad_lossmix.cli import main

if __name__ == "__main__":
    main(prog_name="lossmix")
