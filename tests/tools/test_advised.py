"""What `make advised` reads of `advise`, and how it judges what it then times."""

from __future__ import annotations

from pathlib import Path

from bench.advising import lines
from reports.formats import advised as printed
from tests.bench.advising.hill import Hill, speedup
from tests.records import run
from tools import advised


def test_the_lines_are_read_as_they_are_printed() -> None:
    _, advice = Hill({"semi-backward": 1.3, "channels-last+semi-backward": 1.5}).climbed()
    said = "\n\n".join(printed.parts(advice, run(*advice.measured), 80))
    wanted = lines.to_paste("channels-last+semi-backward", "cpu")
    assert advised.pasted(said) == "\n".join(wanted)
    _, nothing = Hill({}).climbed()
    assert advised.pasted("\n\n".join(printed.parts(nothing, run(), 80))) == ""


def test_the_page_has_an_attack_and_a_model(tmp_path: Path) -> None:
    advised.example(tmp_path)
    for name, function in (("my_attacks.py", "def pgd("), ("my_models.py", "def build(")):
        code = (tmp_path / name).read_text()
        compile(code, name, "exec")
        assert function in code


def test_a_speedup_is_held_against_the_interval_that_was_told() -> None:
    told = speedup(1.5, processes=5, half=0.02)
    assert advised.verdict(told, speedup(1.48)) == "inside 1.47 to 1.53"
    assert advised.verdict(told, speedup(1.3)) == "NOT inside 1.47 to 1.53"
    assert advised.verdict(speedup(1.5, half=0.02), speedup(1.45)).startswith("inside"), "widened"
