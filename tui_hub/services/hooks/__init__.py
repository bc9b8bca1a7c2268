"""Hooks: webhooks and commands of the user's, told of what this process did."""
