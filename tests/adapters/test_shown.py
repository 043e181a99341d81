"""What docs/adapters.md and docs/own.md show works: it is found, and measured as the rest is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from adapters import registry
from adapters.models.custom import declared_shape
from bench.cases import AS_BUILT, BASELINE, SEMI_BACKWARD, Comparison
from bench.kinds.images import building
from bench.running import session
from bench.worker import checks
from bench.worker.gradients import observed
from tests import toml
from tests.adapters.asked import EPS, SMALL_MODEL, STEP
from tests.cases import image_case
from tests.places import ROOT
from tests.told.planning import Planned, planned, run

pytestmark = pytest.mark.usefixtures("one_thread")

LIBRARY = """
import torch


class PGD:
    def __init__(self, model, eps, alpha, steps):
        self.model, self.eps, self.alpha, self.steps = model, eps, alpha, steps

    def __call__(self, images, labels):
        found = images.clone()
        for _ in range(self.steps):
            found.requires_grad_()
            torch.nn.functional.cross_entropy(self.model(found), labels).backward()
            moved = found.detach() + self.alpha * found.grad.sign()
            found = (images + (moved - images).clamp(-self.eps, self.eps)).clamp(0, 1)
        return found
"""


def blocks(page: str, language: str) -> list[str]:
    """A page's blocks of code in a language."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [found.partition("```")[0] for found in text.split(f"```{language}\n")[1:]]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's module, beside a library of that name, as pip would lay them out."""
    (tmp_path / "mylib.py").write_text(LIBRARY)
    (code,), (facts,) = (blocks("adapters.md", language) for language in ("python", "toml"))
    (tmp_path / "my_module.py").write_text(code)
    groups = toml.table(facts)["project"]["entry-points"]
    for name, entries in (("my_module", groups), ("mylib", {})):
        place = tmp_path / f"{name}-4.2.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 4.2\n")
        lines = (
            line
            for group, pairs in entries.items()
            for line in (f"[{group}]", *(f"{key} = {value}" for key, value in pairs.items()))
        )
        (place / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    registry._third_parties.cache_clear()
    yield
    registry._third_parties.cache_clear()
    for name in ("mylib", "my_module"):
        sys.modules.pop(name, None)


def test_it_is_listed_without_an_import_of_its_library(
    installed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["list", "libs"]) == 0
    assert ["mylib", "4.2"] in [line.split() for line in capsys.readouterr().out.splitlines()]
    assert run(["list", "attacks"]) == 0
    assert "mylib.PGD" in capsys.readouterr().out
    assert "mylib" not in sys.modules


def test_it_is_chosen_as_the_others_are(
    installed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "opened", planned)
    ended = run(["--libs", "mylib", "foolbox", "--steps", "3"])
    assert isinstance(ended, Planned)
    assert [(case.library, case.attack) for case in ended.cases] == [
        ("mylib", "pgd"),
        ("foolbox", "pgd"),
    ]


def test_it_is_built_and_keeps_what_it_declares(installed: None) -> None:
    asked = image_case("mylib", "pgd", SMALL_MODEL, 2, (3, 8, 8), 2, eps=EPS, step_size=STEP)
    work = building.build(Comparison(asked, SEMI_BACKWARD), seed=0)
    with observed(work.model) as trace:
        found = work.output(BASELINE)
    assert set(trace.calls) == {"backward"}, "as it declares"
    assert 0 < (found - work.images).abs().max() <= EPS + 1e-6
    assert torch.equal(found, work.output(SEMI_BACKWARD))


def test_an_attack_and_a_model_of_ones_own_pass_the_gate(tmp_path: Path) -> None:
    code = blocks("own.md", "python")
    for name, text in zip(("my_attacks", "my_models"), code, strict=True):
        (tmp_path / f"{name}.py").write_text(text)
    attack, model = f"{tmp_path}/my_attacks.py:pgd", f"{tmp_path}/my_models.py:build"
    shape = declared_shape(model)
    assert shape == (1, 28, 28)
    asked = image_case("user", attack, model, 2, shape, None, weights=AS_BUILT)
    passed = checks.gate(building.build(Comparison(asked, SEMI_BACKWARD), seed=0))
    assert passed.equality.bitwise
    assert not passed.warnings
