"""The agent: a process without a screen that goes on with what others leave."""
