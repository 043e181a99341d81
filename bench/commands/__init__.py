"""The command line: a module for each command, with its arguments; each imports what it works with late."""
