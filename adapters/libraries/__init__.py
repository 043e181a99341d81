"""One module per third-party attack library."""
