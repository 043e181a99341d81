"""Energy attacks on dynamic networks."""
