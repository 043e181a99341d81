"""What others' interpreters find us by: a name that no folder of theirs has.

The rest of us has names that one may have: `bench`, `adapters`, `reports`. So what is started or
loaded from outside, the program and pytest's plugin, begins here. Imports nothing that a file of
the current folder could stand in for, as `pathlib` would.
"""

import os
import sys


def leave_current_folder() -> None:
    """Take the current folder, which `python -m` looks into first, off the path.

    It may hold a `random.py` or a `queue.py` that is not Python's. It stays if we lie in it.
    """
    first, here = sys.path[0], os.getcwd()  # noqa: PTH109
    unasked = not getattr(sys.flags, "safe_path", sys.flags.isolated)
    if unasked and first in ("", here) and __path__[0] != f"{here}{os.sep}{__name__}":
        del sys.path[0]
