"""The sync: feeds, their turns and times, and what their walks bring."""
