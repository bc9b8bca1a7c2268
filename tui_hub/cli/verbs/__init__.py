"""The verbs, one module each; a new module is a new command."""
