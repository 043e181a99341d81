"""`python -m tools.planted`: which of the checks catches which planted change. See `__main__`."""
