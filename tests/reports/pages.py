"""Pages to open in a browser, and what is to be seen in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.records import reading
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import Speedup
from reports.formats import page
from tests.cases import changed
from tests.records import ENVIRONMENT, FAILED, GAIN, NO_GAIN

HOSTILE = "<img src=x onerror=window.hacked=1></script><script>window.hacked=1</script>"
LIBRARIES = ("art", "foolbox", "torchattacks", HOSTILE)
MODELS = ("resnet18", "vit_base")


def _records() -> Iterator[ComparisonRecord]:
    """Each library on each model at 40 batch sizes: 320 comparisons, one of which failed."""
    number = itertools.count(1)
    for library, model, batch in itertools.product(LIBRARIES, MODELS, range(1, 41)):
        made = NO_GAIN if library == "torchattacks" else GAIN
        case = changed(made.case, library=library, model=model, batch=batch)
        estimate = 1 + next(number) / 1000
        speedup = Speedup(estimate, estimate - 0.0004, estimate + 0.0004, 0.95, 5, 60, "")
        if (library, model, batch) == ("art", "vit_base", 40):
            yield replace(FAILED, case=case, case_id=case.id, reason=HOSTILE)
        else:
            yield replace(made, case=case, case_id=case.id, speedup=speedup, warnings=[HOSTILE])


def hostile(folder: Path) -> Path:
    """A page of them, whose records say what would harm a page."""
    source = folder / "made up.jsonl"
    environment = replace(ENVIRONMENT, processor=HOSTILE, command=["python", HOSTILE])
    lines = [reading.to_line(environment), *map(reading.to_line, _records())]
    source.write_text("".join(lines))
    return drawn(folder, source)


def drawn(folder: Path, *sources: Path) -> Path:
    """The page of some files."""
    target = folder / "report.html"
    target.write_text(page.render([reading.read(path) for path in sources]), encoding="utf-8")
    return target


def visible(driver: Any) -> list[list[str]]:
    """The texts of the rows that are shown."""
    rows: list[list[str]] = driver.execute_script(
        "return [...document.querySelectorAll('#measurements tbody tr')]"
        ".filter(row => row.offsetParent !== null || row.getClientRects().length)"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return rows


def all_that_match(driver: Any) -> list[list[str]]:
    """The texts of the rows that a filter keeps, with those that are shown on demand."""
    more = driver.find_element("id", "more")
    if more.is_displayed():
        more.click()
    return visible(driver)


def column(driver: Any, name: str) -> int:
    names: list[str] = driver.execute_script(
        "return [...document.querySelectorAll('#measurements thead th')].map(h => h.textContent)"
    )
    return [found.strip() for found in names].index(name)


def choose(driver: Any, name: str, value: str) -> None:
    from selenium.webdriver.support.select import Select

    Select(driver.find_element("name", name)).select_by_visible_text(value)


def count(driver: Any) -> str:
    return str(driver.find_element("id", "count").text)


def screen(driver: Any, width: int, *, dark: bool = False, height: int = 900) -> None:
    """A screen of so many pixels; a phone's if it is narrow."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    wanted = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": wanted})


def unfold(driver: Any) -> None:
    """Open all that can be opened, and show every column."""
    driver.execute_script(
        "for (const found of document.querySelectorAll('details')) found.open = true;"
        "document.getElementById('all')?.click()"
    )
