"""One module per third-party attack library; ART has a second, for how its attacks are called."""
