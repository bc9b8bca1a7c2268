"""Finding the models that are on this box already, and taking them into the store."""
