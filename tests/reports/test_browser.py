"""The page as a reader uses it, in a headless Chromium from a file (`make test-browser`)."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path
from typing import Any

import pytest

from tests.reports.pages import HOSTILE, all_that_match, choose, column, count, visible

pytestmark = pytest.mark.browser


def test_it_opens_from_a_file_and_asks_for_nothing(opened: Any) -> None:
    assert opened.title == "pgd, CPU: four libraries, two models - Semi-backward Bench"
    assert opened.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_first_rows_are_shown_and_the_others_on_demand(opened: Any) -> None:
    assert count(opened) == "320 rows, the first 25 shown"
    assert len(visible(opened)) == 25
    before = opened.find_elements("css selector", "#measurements tbody tr")
    opened.find_element("id", "more").click()
    assert count(opened) == "320 rows"
    assert len(visible(opened)) == 320
    assert not opened.find_element("id", "more").is_displayed()
    assert len(before) == 25, "what is not shown takes a browser no time"


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
    assert count(opened) == "320 rows, the first 25 shown"


def test_every_filter_of_the_issue_is_there(opened: Any) -> None:
    names = [e.get_attribute("name") for e in opened.find_elements("css selector", "select")]
    assert {"library", "attack", "model", "device", "verdict"} <= set(names)


def test_a_link_remembers_the_filters(opened: Any) -> None:
    choose(opened, "library", "art")
    link = opened.current_url
    assert link.endswith("#library=art")
    opened.get("about:blank")
    opened.get(link)
    assert count(opened) == "80 of 320 rows, the first 25 shown"


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
    summary = opened.find_element("css selector", "#measurements tbody summary")
    summary.send_keys(Keys.ENTER)
    command = summary.find_element("xpath", "..").find_element("tag name", "code")
    assert command.is_displayed()
    assert command.text.startswith("python -m bench")


def test_what_a_line_has_no_room_for_is_in_its_panel(opened: Any) -> None:
    choose(opened, "library", HOSTILE)
    row = opened.find_element("css selector", "#measurements tbody tr")
    cell = row.find_elements("tag name", "td")[column(opened, "library")]
    clipped = "return arguments[0].scrollWidth > arguments[0].clientWidth"
    assert opened.execute_script(clipped, cell)
    row.find_element("tag name", "summary").click()
    panel = row.find_element("class name", "panel")
    assert f"library {HOSTILE}" in panel.text
    assert "input 3×32×32" in panel.text, "a column there was no room for"
    assert not opened.execute_script(clipped, panel)
    below = "return arguments[0].getBoundingClientRect()"
    following = row.find_element("xpath", "following-sibling::tr")
    assert (
        opened.execute_script(below, panel)["bottom"]
        <= opened.execute_script(below, following)["top"]
    )


def test_every_column_is_shown_on_demand(opened: Any) -> None:
    header = opened.find_elements("css selector", "#measurements thead th")[column(opened, "input")]
    assert not header.is_displayed()
    opened.find_element("css selector", "[for=all]").click()
    assert header.is_displayed()


def test_where_rows_go_on_the_keyboard_goes_on(opened: Any) -> None:
    opened.find_element("id", "more").click()
    row = opened.switch_to.active_element.find_element("xpath", "ancestor::tr")
    (before,) = opened.execute_script("return [arguments[0].rowIndex - 1]", row)
    assert before == 25


def test_printed_are_the_rows_that_match_and_no_controls(opened: Any) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    def on(media: str, rows: int) -> None:
        """A browser tells a page of it with the next picture it draws."""
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})
        WebDriverWait(opened, 20).until(lambda _: len(visible(opened)) == rows)

    on("print", 320)
    assert not opened.find_element("id", "filters").is_displayed()
    assert count(opened) == "320 rows"
    pdf = base64.b64decode(opened.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert pdf.startswith(b"%PDF")
    on("", 25)
    choose(opened, "library", "foolbox")
    on("print", 80)


def test_the_records_come_along_as_they_were(opened: Any, hostile_page: Path) -> None:
    link = opened.find_element("css selector", "a[download]")
    assert link.get_attribute("download") == "made up.jsonl.gz"
    href = link.get_attribute("href")
    packed = base64.b64decode(href.partition("base64,")[2])
    assert gzip.decompress(packed) == (hostile_page.parent / "made up.jsonl").read_bytes()
