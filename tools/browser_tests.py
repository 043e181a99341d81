"""The page's tests in a headless Chromium (`make test-browser`).

Where there is no Chromium, it is installed with Debian's packages if that can be done here; if not,
it says so plainly, and no test is run.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import debian

PACKAGES = ("chromium", "chromium-driver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
"""Of a browser that works as root, in a container, and leaves the network alone."""


def browser() -> tuple[str, str] | None:
    """The paths of Chromium and of its driver; None if one is not there."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    driver = shutil.which("chromedriver")
    return None if found is None or driver is None else (found, driver)


@contextlib.contextmanager
def started(profile: Path) -> Iterator[Any]:
    """A headless Chromium, as selenium drives it, inside the block.

    Args:
        profile: an empty folder for what it keeps.

    Raises:
        SystemExit: there is none here.
    """
    from selenium import webdriver

    found = browser()
    if found is None:
        raise SystemExit("no Chromium here: make test-browser installs one, or says that it can't")
    options = webdriver.ChromeOptions()
    options.binary_location = found[0]
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=found[1])
    ) as driver:
        yield driver


def main() -> int:
    """Run the tests; the exit code."""
    reason = None if browser() else debian.install(PACKAGES)
    if browser() is None:
        print(
            f"No browser: {' and '.join(PACKAGES)} are not here and can't be installed ({reason});"
            " the tests of the page in a browser were NOT run."
        )
        return 0
    words = ["-m", "browser", "tests/reports", *sys.argv[1:]]
    return subprocess.run([sys.executable, "-m", "pytest", *words]).returncode


if __name__ == "__main__":
    sys.exit(main())
