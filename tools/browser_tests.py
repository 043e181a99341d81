"""The page's tests in a headless Chromium (`make test-browser`).

Where there is no Chromium, it is installed with Debian's packages if that can be done here; if not,
it says so plainly, and no test is run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    reason = None if browser() else _install()
    if browser() is None:
        print(
            f"No browser: {' and '.join(PACKAGES)} are not here and can't be installed ({reason});"
            " the tests of the page in a browser were NOT run."
        )
        return 0
    words = ["-m", "browser", "tests/reports", *sys.argv[1:]]
    return subprocess.run([sys.executable, "-m", "pytest", *words]).returncode


def _install() -> str | None:
    """Install the packages; why that failed, if it did."""
    if shutil.which("apt-get") is None:
        return "there is no apt-get"
    if os.geteuid() != 0:
        return f"apt-get needs root; run: sudo apt-get install {' '.join(PACKAGES)}"
    print(f"Installing {' and '.join(PACKAGES)} ...", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", "-qq", *words], env=quiet, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            return f"apt-get {words[0]}: {said[-1]}"
    return None


if __name__ == "__main__":
    sys.exit(main())
