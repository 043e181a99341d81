"""What the exit codes mean; the help of `python -m bench` tells them too.

Those of errors that end a command are with the errors, in `bench.errors`.
"""

DONE = 0
REGRESSION = 1
USAGE = 2
INCONCLUSIVE = 3
NOT_ALL_OK = 5
FAULT = 70
INTERRUPTED = 130
