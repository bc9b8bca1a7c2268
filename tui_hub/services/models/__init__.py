"""The models of the catalogue: looked up, added to, named, configured."""
