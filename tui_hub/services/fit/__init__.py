"""Whether a model fits this box, said before the download."""
