"""Jobs: background work with a history, held by one process and seen by all."""
