"""What brings models into memory and takes them out again, for each runtime."""
