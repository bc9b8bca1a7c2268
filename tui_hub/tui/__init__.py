"""The screen: a Textual front end over the services, started by `run_screen` in `app`."""
