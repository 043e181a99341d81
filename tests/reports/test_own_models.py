"""Users' models in reports: short, told apart, and repeated as they were given."""

from __future__ import annotations

import shlex
from dataclasses import replace

from bench.cases import AS_BUILT, Case
from bench.compare.matching import match
from bench.records.types import ComparisonRecord
from bench.specs import shortest
from reports.formats import markdown
from reports.reading import reproduce
from tests.cases import image_case
from tests.records import ENVIRONMENT, GAIN, run, timed

OLD, NEW = "/home/me/old/net.py:build", "/home/me/new/net.py:build"


def own(model: str, **more: object) -> Case:
    return image_case(model=model, weights=AS_BUILT, **more)  # type: ignore[arg-type]


def gained(model: str) -> ComparisonRecord:
    return replace(GAIN, case=own(model), case_id=own(model).id)


def test_names_are_as_short_as_they_may_be() -> None:
    assert shortest(["resnet18", "a b/net.py:build", "package.nets:build"]) == {
        "resnet18": "resnet18",
        "a b/net.py:build": "net.py:build",
        "package.nets:build": "package.nets:build",
    }
    assert shortest([OLD, NEW, "x/new/net.py:build"]) == {
        OLD: "old/net.py:build",
        NEW: "me/new/net.py:build",
        "x/new/net.py:build": "x/new/net.py:build",
    }


def test_two_of_one_name_are_told_apart_in_a_table_and_one_is_short() -> None:
    both = markdown.report([run(gained(OLD), gained(NEW))])
    assert " old/net.py:build |" in both
    assert " new/net.py:build |" in both
    alone = markdown.report([run(gained(OLD))])
    assert "on net.py:build" in alone
    for text in (both, alone):
        assert "/home/me" not in text
        assert AS_BUILT not in text


def test_the_command_repeats_what_was_asked() -> None:
    def words(case: Case) -> list[str]:
        return shlex.split(reproduce.command(timed(case), ENVIRONMENT))

    found = words(own("my nets/net.py:build", input_shape=(1, 28, 28), labels=(3, 1, 4, 1)))
    assert found[found.index("--models") + 1] == "my nets/net.py:build"
    assert found[found.index("--input") + 1] == "1x28x28"
    assert found[found.index("--labels") + 1 :][:4] == ["3", "1", "4", "1"]
    assert "--image-size" not in found
    assert "--weights" not in found
    assert "--image-size" in words(image_case())


def test_records_match_though_the_models_file_has_moved() -> None:
    matched = match([timed(own(OLD))], [timed(own(NEW))])
    assert len(matched.pairs) == 1
    assert matched.names == ("foolbox pgd on net.py:build",)
