"""The store as its user sees it: what it holds, room in it, sweeping, verifying, views."""
