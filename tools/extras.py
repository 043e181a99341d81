"""The tests of what is large, or conflicts with the rest (`make test-extras`).

Each library that has a layer is installed into it first, from the package index where it is not
there yet. Tests marked `extras` then run in this environment, and those marked `layer(NAME)` each
in a process whose path begins with that library's layer, as its workers have it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from adapters import layers
from adapters.layers import Layer
from bench import layering
from bench.commands import install
from bench.errors import UsageError

JOBS = os.environ.get("JOBS", "2")
PLACES = ("tests/adapters", "tests/bench/kinds")
"""Where tests of extras are; collecting all others takes a minute."""
_NO_TEST = 5
"""pytest's exit code where it has run none."""


def made() -> dict[str, Layer]:
    """A layer for each library that needs one here, by the library's name.

    Raises:
        UsageError: one can't be installed.
    """
    found = {}
    for adapter in install.libraries():
        if not layers.here(adapter):
            print(f"{adapter.name}: its layer", flush=True)
            found[adapter.name] = layering.make(adapter)
    return found


def ran(words: Sequence[str], layer: Layer | None = None) -> int:
    """pytest's exit code of the tests marked `extras`, in this environment or in a layer."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_OPT": "0"}
    if layer is not None:
        first = [str(layer.folder), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, first))
        environment[layers.VARIABLE] = str(layer.folder)
    command = [sys.executable, "-m", "pytest", "-m", "extras", "--durations=5", *words, *PLACES]
    return subprocess.run(command, env=environment, check=False).returncode


def main(words: Sequence[str]) -> int:
    """Make the layers, and run all tests that need them; 0 where all passed."""
    try:
        there = made()
    except UsageError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    ended = [ran(["--numprocesses", JOBS, "--dist", "worksteal", *words])]
    ended += [ran(words, layer) for layer in there.values()]
    return next((code for code in ended if code not in (0, _NO_TEST)), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
