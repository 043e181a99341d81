"""The page as a reader has it, in a headless Chromium from a file (`make test-browser`)."""

from __future__ import annotations

import base64
import gzip
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.records import reading
from bench.statistics.estimate import Speedup
from reports import figures
from reports.formats import page
from tests.cases import changed
from tests.places import MACHINE
from tests.records import ENVIRONMENT, FAILED, GAIN, NO_GAIN
from tools import browser_tests

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=window.hacked=1></script><script>window.hacked=1</script>"
LIBRARIES = ("art", "foolbox", "torchattacks", HOSTILE)
MODELS = ("resnet18", "vit_base")


def _records() -> Iterator[Any]:
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


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    source = folder / "made up.jsonl"
    environment = replace(ENVIRONMENT, processor=HOSTILE, command=["python", HOSTILE])
    lines = [reading.to_line(environment), *map(reading.to_line, _records())]
    source.write_text("".join(lines))
    target = folder / "report.html"
    target.write_text(page.render([reading.read(source)]), encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver

    found = browser_tests.browser()
    assert found is not None, "make test-browser installs one, or says that it can't"
    options = webdriver.ChromeOptions()
    options.binary_location = found[0]
    profile = tmp_path_factory.mktemp("profile")
    for flag in (*browser_tests.FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=found[1])
    started = webdriver.Chrome(options=options, service=service)
    yield started
    started.quit()


@pytest.fixture
def opened(driver: Any, file: Path) -> Any:
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    driver.set_window_size(1400, 900)
    driver.get("about:blank")
    driver.get_log("browser")  # what others left
    driver.get(file.as_uri())
    return driver


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


def test_it_opens_from_a_file_and_asks_for_nothing(opened: Any) -> None:
    assert opened.title.startswith("Semi-backward Bench: ")
    assert opened.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_first_rows_are_shown_and_the_others_on_demand(opened: Any) -> None:
    assert count(opened) == "320 of 320 rows, the first 50 shown"
    assert len(visible(opened)) == 50
    opened.find_element("id", "more").click()
    assert count(opened) == "320 of 320 rows"
    assert len(visible(opened)) == 320
    assert not opened.find_element("id", "more").is_displayed()


@pytest.mark.parametrize(
    ("name", "value", "rows"),
    [
        ("library", "foolbox", 80),
        ("library", HOSTILE, 80),
        ("model", "vit_base", 160),
        ("verdict", "same", 80),
        ("verdict", "failed", 1),
    ],
)
def test_filters_keep_the_rows_that_match(opened: Any, name: str, value: str, rows: int) -> None:
    choose(opened, name, value)
    shown = all_that_match(opened)
    assert len(shown) == rows
    assert {row[column(opened, name)] for row in shown} == {value}
    assert count(opened) == f"{rows} of 320 rows"


def test_filters_combine_and_are_taken_back(opened: Any) -> None:
    choose(opened, "library", "foolbox")
    choose(opened, "model", "vit_base")
    opened.find_element("name", "search").send_keys("FASTER 17")
    assert {row[column(opened, "batch")] for row in visible(opened)} >= {"17"}
    assert all("17" in " ".join(row) for row in visible(opened))
    opened.find_element("css selector", "#filters button").click()
    assert count(opened).startswith("320 of 320 rows")


def test_every_filter_of_the_issue_is_there(opened: Any) -> None:
    names = [e.get_attribute("name") for e in opened.find_elements("css selector", "select")]
    assert {"library", "attack", "model", "device", "verdict"} <= set(names)


def test_a_link_remembers_the_filters(opened: Any) -> None:
    choose(opened, "library", "art")
    link = opened.current_url
    assert link.endswith("#library=art")
    opened.get("about:blank")
    opened.get(link)
    assert count(opened) == "80 of 320 rows, the first 50 shown"


def test_headers_sort_by_number_both_ways_and_what_is_unknown_comes_last(opened: Any) -> None:
    header = opened.find_elements("css selector", "#measurements thead th")[
        column(opened, "speedup")
    ]
    choose(opened, "library", "art")
    for direction in ("ascending", "descending"):
        header.find_element("tag name", "button").click()
        assert header.get_attribute("aria-sort") == direction
        cells = [row[column(opened, "speedup")] for row in all_that_match(opened)]
        assert cells[-1] == "-"
        numbers = [float(cell.split()[0]) for cell in cells[:-1]]
        assert numbers == sorted(numbers, reverse=direction == "descending")


def test_nothing_in_a_record_is_run_or_becomes_markup(opened: Any) -> None:
    opened.find_element("id", "more").click()
    opened.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert opened.execute_script("return window.hacked") is None
    assert opened.find_elements("css selector", "img, iframe, object") == []
    assert len(opened.find_elements("tag name", "script")) == 1
    assert HOSTILE in {row[column(opened, "library")] for row in visible(opened)}


def test_the_policy_would_stop_a_script_that_got_in(opened: Any) -> None:
    opened.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 1';"
        "document.body.append(s)"
    )
    assert opened.execute_script("return window.hacked") is None


def test_a_keyboard_reaches_filters_headers_and_details(opened: Any) -> None:
    from selenium.webdriver import Keys

    body = opened.find_element("tag name", "body")
    body.send_keys(Keys.TAB)
    assert opened.switch_to.active_element.text == "Skip to the measurements"
    reached = set()
    for _ in range(60):
        opened.switch_to.active_element.send_keys(Keys.TAB)
        element = opened.switch_to.active_element
        reached.add((element.tag_name, element.get_attribute("name") or element.text))
    assert {("select", "library"), ("select", "verdict"), ("button", "speedup")} <= reached
    assert "summary" in {tag for tag, _ in reached}
    header = opened.find_elements("css selector", "#measurements th button")[0]
    header.send_keys(Keys.ENTER)
    assert header.find_element("xpath", "..").get_attribute("aria-sort") == "ascending"
    summary = opened.find_element("css selector", "#measurements tr.shown summary")
    summary.send_keys(Keys.ENTER)
    command = summary.find_element("xpath", "..").find_element("tag name", "code")
    assert command.is_displayed()
    assert command.text.startswith("python -m bench")


@pytest.mark.parametrize("width", [360, 500, 800, 1400])
def test_it_is_never_wider_than_the_screen(opened: Any, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        wide, screen = opened.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= screen
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_is_dark_where_the_reader_wants_it_dark(opened: Any) -> None:
    def lightness() -> float:
        colour = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
        parts = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        return sum(parts) / 3

    assert lightness() > 200
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})
    assert lightness() < 60
    ink = "return getComputedStyle(document.documentElement).getPropertyValue('--plot-ink')"
    assert opened.execute_script(ink) == figures.DARK.ink


def test_printed_it_has_every_row_and_no_controls(opened: Any) -> None:
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    opened.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert len(visible(opened)) == 320
    assert not opened.find_element("id", "filters").is_displayed()
    printed = base64.b64decode(opened.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert printed.startswith(b"%PDF")


def test_the_records_come_along_as_they_were(opened: Any, file: Path) -> None:
    link = opened.find_element("css selector", "a[download]")
    assert link.get_attribute("download") == "made up.jsonl.gz"
    href = link.get_attribute("href")
    packed = base64.b64decode(href.partition("base64,")[2])
    assert gzip.decompress(packed) == (file.parent / "made up.jsonl").read_bytes()


def test_plots_are_drawn_in_the_page(driver: Any, tmp_path: Path) -> None:
    target = tmp_path / "real.html"
    target.write_text(page.render([reading.read(MACHINE / "torch-2.13.0.jsonl")]), encoding="utf-8")
    driver.set_window_size(1400, 900)
    driver.get_log("browser")
    driver.get(target.as_uri())
    figures = driver.find_elements("css selector", "figure")
    assert figures
    for figure in figures:
        drawn = figure.find_element("tag name", "svg")
        assert drawn.get_attribute("role") == "img"
        assert drawn.size["width"] > 200
        assert drawn.size["height"] > 100
        assert figure.find_element("tag name", "figcaption").text
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
