"""Two versions of one library against each other, each in an environment of its own. No torch."""
