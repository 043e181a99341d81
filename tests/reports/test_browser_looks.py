"""The page on every screen: one line a row, nothing cut, no obstacle (`make test-browser`)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from reports import figures
from tests.places import MACHINE
from tests.reports.pages import HOSTILE, choose, drawn, screen, unfold

pytestmark = pytest.mark.browser

DESKTOP, PHONE = 1280, 390
KINDS = (
    "torch-2.13.0.jsonl",
    "text/paper-text-small.jsonl",
    "training/by-steps.jsonl",
    "paper-models-small.jsonl",
)
_CUT = """
const cut = [];
for (const found of document.querySelectorAll('main *, header *')) {
  const box = found.getBoundingClientRect();
  if (!box.width || found.closest('.away, svg')) continue;
  const clips = getComputedStyle(found).overflowX !== 'visible';
  const inside = clips && found.scrollWidth > found.clientWidth;
  if (inside || box.right > document.documentElement.clientWidth)
    cut.push(found.outerHTML.slice(0, 200));
}
return cut;
"""
_LINES = """
return [...document.querySelectorAll('#measurements tr')].map(
  row => row.getBoundingClientRect().height / parseFloat(getComputedStyle(row).lineHeight));
"""
_AXE = """
const done = arguments[0];
const rules = {'target-size': {enabled: true}};
axe.run({exclude: [['svg > *']]}, {resultTypes: ['violations'], rules}).then(
  found => done([found.passes.length, found.violations.map(({id, nodes}) =>
    `${id}: ${nodes.length}, ${nodes[0].failureSummary} ${nodes[0].html}`)]),
  error => done([0, [String(error)]]));
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind of committed records, and one of all."""
    found = {name: [MACHINE / name] for name in KINDS}
    found["all"] = [MACHINE / name for name in KINDS]
    return {
        name: drawn(tmp_path_factory.mktemp("real"), *sources) for name, sources in found.items()
    }


@pytest.mark.parametrize("name", [*KINDS, "all", "hostile"])
def test_a_row_is_one_line_on_a_desktop(
    driver: Any, real: dict[str, Path], hostile_page: Path, name: str
) -> None:
    screen(driver, DESKTOP)
    driver.get(real.get(name, hostile_page).as_uri())
    lines = driver.execute_script(_LINES)
    assert len(lines) > 1
    assert max(lines) < 2
    wide, room = driver.execute_script(
        "const found = document.querySelector('#rows .scroll');"
        "return [found.scrollWidth, found.clientWidth]"
    )
    assert wide <= room


@pytest.mark.parametrize("name", [*KINDS, "all", "hostile"])
def test_nothing_is_cut_on_a_phone(
    driver: Any, real: dict[str, Path], hostile_page: Path, name: str
) -> None:
    screen(driver, PHONE)
    driver.get(real.get(name, hostile_page).as_uri())
    assert driver.execute_script(_CUT) == []
    unfold(driver)
    assert driver.execute_script(_CUT) == []


@pytest.mark.parametrize("width", [360, 500, 800, 1000, 1400])
def test_it_is_never_wider_than_the_screen(opened: Any, width: int) -> None:
    screen(opened, width)
    for _ in range(2):
        wide, room = opened.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= room
        unfold(opened)


@pytest.mark.parametrize("name", ["torch-2.13.0.jsonl", "hostile"])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_axe_finds_no_obstacle(
    driver: Any, real: dict[str, Path], hostile_page: Path, width: int, dark: bool, name: str
) -> None:
    """As it opens; then with everything open and a filter used."""
    screen(driver, width, dark=dark)
    driver.get("about:blank")
    driver.get(real.get(name, hostile_page).as_uri())
    driver.set_script_timeout(120)
    assert obstacles(driver) == []
    choose(driver, "library", HOSTILE if name == "hostile" else "torchattacks")
    unfold(driver)
    assert obstacles(driver) == []


def obstacles(driver: Any) -> list[str]:
    """What axe-core has to say against the page."""
    package = importlib.util.find_spec("axe_playwright_python")
    assert package is not None
    assert package.submodule_search_locations
    axe = Path(package.submodule_search_locations[0], "axe.min.js")
    driver.execute_script(axe.read_text(encoding="utf-8"))
    passed, found = driver.execute_async_script(_AXE)
    assert passed > 20
    return list(found)


def test_axe_would_tell(driver: Any, real: dict[str, Path]) -> None:
    driver.get(real["torch-2.13.0.jsonl"].as_uri())
    driver.execute_script("document.documentElement.removeAttribute('lang')")
    (told,) = obstacles(driver)
    assert told.startswith("html-has-lang: 1, ")


def test_it_is_dark_where_the_reader_wants_it_dark(opened: Any) -> None:
    def lightness() -> float:
        colour = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
        parts = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        return sum(parts) / 3

    assert lightness() > 200
    screen(opened, 1400, dark=True)
    assert lightness() < 60
    ink = "return getComputedStyle(document.documentElement).getPropertyValue('--plot-ink')"
    assert opened.execute_script(ink) == figures.DARK.ink


@pytest.mark.parametrize(("width", "shown"), [(DESKTOP, "wide"), (PHONE, "narrow")])
def test_it_opens_with_its_picture(
    driver: Any, real: dict[str, Path], width: int, shown: str
) -> None:
    screen(driver, width)
    driver.get(real["torch-2.13.0.jsonl"].as_uri())
    plots = {
        name: driver.find_element("css selector", f".opening .{name} svg")
        for name in ("wide", "narrow")
    }
    assert [name for name, plot in plots.items() if plot.is_displayed()] == [shown]
    assert plots[shown].get_attribute("role") == "img"
    order = driver.execute_script(
        "return ['.summary', '.opening', '#measurements', '#plots', '#tables'].map(each =>"
        " document.querySelector(each).getBoundingClientRect().top)"
    )
    assert order == sorted(order)
    if width == DESKTOP:
        assert order[1] + plots[shown].size["height"] < 900, "on the first screen"


def test_plots_are_drawn_in_the_page(driver: Any, real: dict[str, Path]) -> None:
    screen(driver, DESKTOP)
    driver.get_log("browser")
    driver.get(real["torch-2.13.0.jsonl"].as_uri())
    found = driver.find_elements("css selector", "#plots figure")
    assert found
    for figure in found:
        drawing = figure.find_element("tag name", "svg")
        assert drawing.get_attribute("role") == "img"
        assert drawing.size["width"] > 200
        assert drawing.size["height"] > 100
        assert figure.find_element("tag name", "figcaption").text
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
