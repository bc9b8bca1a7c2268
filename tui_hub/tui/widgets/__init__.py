"""One class per widget; most of them draw their own lines."""
