"""What runs in the child process, next to torch: building, checks, timers, instruments."""
