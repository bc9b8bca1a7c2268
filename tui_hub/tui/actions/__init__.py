"""What keys do: the questions they ask first, and the work they begin."""
