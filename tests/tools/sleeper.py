"""A program that sleeps until it is interrupted: `python -m tests.tools.sleeper FILE [stubborn]`.

It says in the file that it sleeps, and that it ended in order. A stubborn one does not end, and has
started another in a session of its own, whose number it writes.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    file, *how = sys.argv[1:]
    said = "asleep"
    if how:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        other = [sys.executable, "-c", "import time; time.sleep(600)"]
        said = str(subprocess.Popen(other, start_new_session=True).pid)
    fresh = Path(f"{file}.new")
    fresh.write_text(said)
    fresh.replace(file)
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        Path(file).write_text("ended in order")


if __name__ == "__main__":
    main()
