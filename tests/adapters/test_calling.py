"""What can't be called with a model, images and labels is refused with a function that can."""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adapters import calling, custom
from adapters.base import AdapterError
from adapters.custom import AttackSpec

INSTALLED = ModuleType("library.attacks")


def refused(function: Any, name: str) -> str:
    with pytest.raises(AdapterError) as raised:
        calling.check(function, name, f"library.attacks:{name}", INSTALLED)
    return str(raised.value)


class WithModel:
    def __init__(self, model: nn.Module, eps: float = 0.1) -> None: ...

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        return images


class WithoutModel:
    def __init__(self, eps: float) -> None: ...

    def run(self, model: nn.Module, inputs: Tensor, criterion: Tensor) -> Tensor:
        return inputs


class Generating:
    def __init__(self, estimator: object) -> None: ...

    def generate(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return x


@pytest.mark.parametrize(
    ("cls", "call"),
    [
        (WithModel, "library.attacks.WithModel(model)(images, labels)"),
        (WithoutModel, "library.attacks.WithoutModel(eps=...).run(model, images, labels)"),
        (Generating, "library.attacks.Generating(model).generate(images, labels)"),
    ],
)
def test_a_class_is_refused_with_the_two_lines_that_wrap_it(cls: type, call: str) -> None:
    said = refused(cls, cls.__name__)
    assert f"{cls.__name__} is a class" in said
    assert f"def {cls.__name__.lower()}(model, images, labels): return {call}" in said
    assert "`import library.attacks`" in said


def test_what_takes_images_alone_is_told_what_it_takes() -> None:
    def attack(images: Tensor, *, eps: float) -> Tensor:
        return images

    said = refused(attack, "attack")
    assert "can't be called with (model, images, labels)" in said
    assert "library.attacks.attack(images, eps=...)" in said


def test_another_order_is_no_attack_by_its_names() -> None:
    def attack(images: Tensor, labels: Tensor, model: nn.Module) -> Tensor:
        return images

    assert "library.attacks.attack(images, labels, model)" in refused(attack, "attack")


def fits(model: nn.Module, images: Tensor, labels: Tensor, eps: float = 0.1) -> Tensor:
    return images


class Callable3:
    def __call__(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return x


@pytest.mark.parametrize(
    "function",
    [
        fits,
        functools.partial(fits, eps=0.2),
        lambda f, x, y: x,
        lambda *given: given[1],
        Callable3(),
        Callable3().__call__,
        torch.add,
    ],
)
def test_what_takes_three_arguments_fits(function: Any) -> None:
    calling.check(function, "f", "library.attacks:f", INSTALLED)


def test_a_class_of_the_users_file_is_told_the_line_to_add(tmp_path: Path) -> None:
    file = tmp_path / "mine_with_a_class.py"
    file.write_text(
        "class PGD:\n"
        "    def __init__(self, model): self.model = model\n"
        "    def __call__(self, images, labels): return images\n"
    )
    with pytest.raises(AdapterError, match=r"return PGD\(model\)\(images, labels\)` to it"):
        custom.build(custom.parse(f"{file}:PGD"), nn.Identity())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('x')\np.parse_args()\n",
            r"ends the program in script.py, line 4 \(`p.parse_args\(\)`\): put what a script",
        ),
        ("import sys\nsys.exit()\n", "ends the program in script.py, line 2"),
        ("1 / 0\n", r"fails in script.py, line 1 \(`1 / 0`\): ZeroDivisionError"),
        ("import no_such_module_anywhere\n", "ModuleNotFoundError: No module named"),
    ],
)
def test_an_import_that_breaks_off_is_told_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "script.py"
    file.write_text(f"{text}def attack(model, images, labels): return images\n")
    with pytest.raises(AdapterError, match=said):
        custom.import_place(AttackSpec(f"{file}:attack", str(file), "attack"))


@pytest.mark.parametrize(
    "text",
    [
        "from elsewhere import *\n",
        "globals()['attack'] = print\n",
        "import sys\nsetattr(sys.modules[__name__], 'attack', print)\n",
        "exec('attack = print')\n",
        "def __getattr__(name): return print\n",
        "if True:\n    attack = print\n",
        "from elsewhere import f as attack\n",
    ],
)
def test_a_name_may_come_about_in_any_way(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    assert custom.parse(f"{file}:attack").function == "attack"
