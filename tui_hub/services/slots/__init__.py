"""The slots: one model per type, changed as a transaction, published to every program."""
