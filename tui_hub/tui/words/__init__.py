"""How things read on the screen: their words, columns and rows, without a widget."""
