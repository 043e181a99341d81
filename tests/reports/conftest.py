"""A browser, and a page opened in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reports import pages
from tools import browser_tests


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """320 comparisons that say what would harm a page."""
    return pages.hostile(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium."""
    with browser_tests.started(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def opened(driver: Any, hostile_page: Path) -> Any:
    """That page on a desktop."""
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    driver.set_window_size(1400, 900)
    driver.get("about:blank")
    driver.get_log("browser")  # what others left
    driver.get(hostile_page.as_uri())
    return driver
