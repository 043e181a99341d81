"""What a run leaves in the globals of a user's modules is put back, and told."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from adapters import custom
from bench.cases import BASELINE, Comparison
from bench.kinds.images.building import AttackWorkload, build
from bench.worker import checks
from bench.worker.leftovers import Leftovers
from tests.bench.worker.small_net import assert_unchanged, small, state_of
from tests.cases import image_case

USERS = """
import functools
import itertools
import os
import random

import numpy
import torch

count, seen, table, array, drawn = 0, [], {}, numpy.zeros(2), numpy.random.default_rng(0)
tensor, generator, own = torch.zeros(2), torch.Generator().manual_seed(1), random.Random(3)
ticks, numbers, built, network, last = itertools.count(), iter(range(1000)), [], None, None


class State:
    runs = 0

    def __init__(self):
        self.n = 0


class Slotted:
    __slots__ = ("n",)


STATE, SLOTTED = State(), Slotted()
SLOTTED.n = 0


def counter(model, images, labels):
    global count
    count += 1
    return images + count / 100


def in_a_list(model, images, labels):
    seen.append(1)
    return images + len(seen) / 100


def in_a_dict(model, images, labels):
    table["n"] = table.get("n", 0) + 1
    return images + table["n"] / 100


def in_an_array(model, images, labels):
    array[0] += 1
    return images + array[0].item() / 100


def in_a_tensor(model, images, labels):
    tensor.add_(1)
    return images + tensor[0] / 100


def in_an_object(model, images, labels):
    STATE.n += 1
    return images + STATE.n / 100


def in_a_slot(model, images, labels):
    SLOTTED.n += 1
    return images + SLOTTED.n / 100


def in_a_class(model, images, labels):
    State.runs += 1
    return images + State.runs / 100


def in_its_attribute(model, images, labels):
    in_its_attribute.n = getattr(in_its_attribute, "n", 0) + 1
    return images + in_its_attribute.n / 100


def in_its_default(model, images, labels, kept=[]):
    kept.append(1)
    return images + len(kept) / 100


def numpys(model, images, labels):
    return images + drawn.random()


def torchs(model, images, labels):
    return images + torch.rand(1, generator=generator)


def pythons(model, images, labels):
    return images + own.random()


def from_a_range(model, images, labels):
    return images + next(numbers) / 100


def closing():
    n = 0

    def closed(model, images, labels):
        nonlocal n
        n += 1
        return images + n / 100

    return closed


in_a_closure = closing()


def ticking(model, images, labels):
    return images + next(ticks) / 100


def unseen(model, images, labels):
    return images + int.from_bytes(os.urandom(4), "little") / 2**32


def caching(model, images, labels):
    if "built" not in table:
        built.append(1)
        table["built"] = torch.full((1,), 0.01)
    return images + table["built"]


def lazily(model, images, labels):
    global network
    if network is None:
        built.append(1)
        network = torch.nn.Conv2d(3, 3, 1)
    network(images).sum().backward()
    return images + network.weight.grad.mean().clamp(0, 1e-3)


def keeps_the_last(model, images, labels):
    global last
    last = images + 0.01
    return last
"""
COMPILED = """
import torch
from torch import nn

amount, runs = 0.01, 0


class Moved(nn.Module):
    def forward(self, images):
        moved = nn.functional.relu(images)
        torch._dynamo.graph_break()
        return moved + amount


fast = torch.compile(Moved(), backend="eager")


def attack(images):
    global runs
    runs += 1
    return fast(images)
"""
PUT_BACK = {
    "counter": "the global `count`",
    "in_a_list": "the global `seen`",
    "in_a_dict": "the global `table`",
    "in_an_array": "the global `array`",
    "in_a_tensor": "the global `tensor`",
    "in_an_object": "the global `STATE.n`",
    "in_a_slot": "the global `SLOTTED.n`",
    "in_a_class": "the global `State.runs`",
    "in_its_attribute": "the global `in_its_attribute.n`",
    "in_its_default": "what `in_its_default` of users.py keeps",
    "numpys": "the global `drawn`",
    "torchs": "the global `generator`",
    "pythons": "the global `own`",
    "from_a_range": "the global `numbers`",
    "in_a_closure": "what `in_a_closure` of users.py keeps",
}


@pytest.fixture
def users(tmp_path: Path) -> Iterator[ModuleType]:
    """A user's file, imported as it is for a case."""
    file = tmp_path / "users.py"
    file.write_text(USERS)
    yield custom.import_place(custom.parse(f"{file}:counter"))
    custom._imported.clear()


def repeated(users: ModuleType, name: str) -> tuple[list[Tensor], Leftovers]:
    """What three runs of a function make of the same images, after what they leave is put back."""
    model, given = small(), torch.zeros(1, 3, 2, 2)
    left = Leftovers(model, functions=True)
    attack = getattr(users, name)
    return [left.around(lambda: attack(model, given, None)) for _ in range(3)], left


@pytest.mark.parametrize(("name", "told"), PUT_BACK.items())
def test_globals_are_as_they_were(users: ModuleType, name: str, told: str) -> None:
    (first, second, third), left = repeated(users, name)
    assert torch.equal(first, second)
    assert torch.equal(first, third)
    assert len(left.warnings()) == 1
    assert told in left.warnings()[0]
    assert left.stuck == []


def test_what_cannot_be_put_back_is_named(users: ModuleType) -> None:
    _, left = repeated(users, "ticking")
    assert left.warnings() == [
        "the attack changes the global `ticks` of users.py, which can't be put back between runs;"
        " make it anew in each run"
    ]


@pytest.mark.parametrize("name", ["caching", "lazily"])
def test_what_the_first_run_filled_stays(users: ModuleType, name: str) -> None:
    outputs, left = repeated(users, name)
    assert users.built == [1]
    assert torch.equal(outputs[0], outputs[2])
    assert left.warnings() == []


def test_what_torch_compile_keeps_among_globals_is_no_change_of_the_attacks(tmp_path: Path) -> None:
    """It is there for code that runs again, and is taken away with that."""
    file = tmp_path / "compiles.py"
    file.write_text(COMPILED)
    users: Any = custom.import_place(custom.parse(f"{file}:attack"))
    left = Leftovers(small(), functions=True)
    once = torch.ones(1, 3, 2, 2)
    try:
        for images in (once, once.clone().requires_grad_(), torch.ones(2, 3, 2, 2)) * 2:
            found = left.around(functools.partial(users.attack, images))
            assert torch.equal(found, images + 0.01)
        assert left.warnings() == [
            "the attack changes the global `runs` of compiles.py: put back after each run"
        ]
        assert any("compiled_fn" in name for name in vars(users)), "there was something to leave"
    finally:
        custom._imported.clear()


def test_the_same_again_in_a_global_is_no_change(users: ModuleType) -> None:
    _, left = repeated(users, "keeps_the_last")
    assert left.warnings() == []


def test_neighbours_of_one_name_are_all_put_back(tmp_path: Path) -> None:
    text = "n = 0\ndef run():\n    global n\n    n += 1\n    return n\n"
    files = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "utils.py").write_text(text)
        (tmp_path / name / "attack.py").write_text("from utils import run\n")
        spec = custom.parse(f"{tmp_path / name / 'attack.py'}:run")
        files.append(custom.import_place(spec))
    left = Leftovers(small(), functions=True)
    made = [left.around(lambda: [file.run() for file in files]) for _ in range(3)]
    assert made == [[2, 2]] * 3
    custom._imported.clear()


def workload(file: Path, function: str) -> AttackWorkload:
    case = image_case(
        library="user",
        attack=f"{file}:{function}",
        model="wrn_10_1",
        batch=1,
        input_shape=(3, 16, 16),
        steps=None,
        eps=None,
        step_size=None,
    )
    return build(Comparison(case, "semi-backward"), seed=0)


@pytest.mark.parametrize(
    ("function", "unequal"),
    [
        ("ticking", "it changes the global `ticks` of users.py, which can't be put back"),
        ("unseen", "; draw its random numbers from torch, numpy or random"),
    ],
)
def test_an_attack_that_does_not_repeat_itself_is_told_why(
    users: ModuleType, function: str, unequal: str
) -> None:
    found = checks.gate(workload(Path(str(users.__file__)), function))
    assert found.unequal is not None
    assert unequal in found.unequal


MOVES = """
import torch
def attack(model, x, y):
    for mode in (True, False):
        model.train(mode)
        x = x.detach().requires_grad_()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        x = (x + .01 * x.grad).clamp(0, 1)
    model.requires_grad_(True)
    return x.detach()
"""


def test_an_attack_that_moves_running_statistics_repeats_itself(tmp_path: Path) -> None:
    file = tmp_path / "moves.py"
    file.write_text(MOVES)
    work = workload(file, "attack")
    before = state_of(work.model)
    assert checks.gate(work).equality.bitwise
    assert "moves running_mean, running_var" in checks.left_behind(work)[0]
    first = work.output(BASELINE)
    assert torch.equal(first, work.output(BASELINE))
    assert_unchanged(work.model, before)
    assert all(parameter.requires_grad for parameter in work.model.parameters())
