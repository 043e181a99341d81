"""What the exit codes mean; the help of `python -m bench` tells them too."""

DONE = 0
REGRESSION = 1
USAGE = 2
INCONCLUSIVE = 3
MISMATCH = 4
NOT_ALL_OK = 5
FAULT = 70
INTERRUPTED = 130
