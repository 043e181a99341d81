"""What samples say: blocks, intervals, stop rule, diagnosis, theory. Pure."""
