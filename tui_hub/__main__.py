"""Run the program with ``python -m tui_hub``."""

from tui_hub.cli import main

if __name__ == "__main__":
    main()
