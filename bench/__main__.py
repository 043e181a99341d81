"""`python -m bench`."""

import sys

import semibackward_bench
from semibackward_bench.__main__ import main

if __name__ == "__main__":
    semibackward_bench.leave_current_folder()
    sys.exit(main())
