"""Dynamic networks."""
