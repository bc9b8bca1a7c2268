"""The way to the terminal and back."""
