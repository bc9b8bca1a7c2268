"""Downloads: from a choice of files to a model that is installed."""
