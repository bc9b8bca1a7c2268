"""Drawing lines of toned pieces: bars, towers, tables, cards."""
