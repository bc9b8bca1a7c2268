"""Writers of the file formats that models come in, for weights made on the spot."""
