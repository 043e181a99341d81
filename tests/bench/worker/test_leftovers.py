"""What runs leave behind is put back before the next one, and told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from adapters import custom
from bench.cases import BASELINE, Comparison
from bench.kinds.images.building import AttackWorkload, build
from bench.worker import checks
from bench.worker.leftovers import Leftovers
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


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.norm(self.layer(x)).mean((2, 3)))
        return out


def small() -> Net:
    torch.manual_seed(0)
    return Net().eval()


def images() -> Tensor:
    return torch.rand(2, 3, 4, 4)


@pytest.fixture
def users(tmp_path: Path) -> Iterator[ModuleType]:
    """A user's file, imported as it is for a case."""
    file = tmp_path / "users.py"
    file.write_text(USERS)
    yield custom.import_place(custom.parse(f"{file}:counter"))
    custom._imported.clear()


def state_of(model: nn.Module) -> dict[str, object]:
    found: dict[str, object] = {name: held.clone() for name, held in model.state_dict().items()}
    for path, part in model.named_modules():
        held = {name for name in vars(part) if not name.startswith("_is_")}
        hooks = sum(len(value) for name, value in vars(part).items() if "_hooks" in name)
        found[f"{path}:"] = type(part), part.training, held, hooks
    flags = ((p.requires_grad, p._backward_hooks or {}) for p in model.parameters())
    return {**found, "flags": list(flags)}


def assert_unchanged(model: nn.Module, before: dict[str, object]) -> None:
    after = state_of(model)
    assert list(after) == list(before)
    for name, was in before.items():
        now = after[name]
        same = torch.equal(was, now) if isinstance(was, Tensor) else was == now  # type: ignore[arg-type]
        assert same, name


def in_training_mode(model: Net) -> None:
    model.train()
    model(images())


def sets_flags(model: Net) -> None:
    model.head.weight.requires_grad_(False)


def hooks_a_layer(model: Net) -> None:
    model.layer[0].register_forward_hook(lambda *_: None)


def hooks_with_keywords(model: Net) -> None:
    model.norm.register_forward_pre_hook(lambda *_: None, with_kwargs=True)


def hooks_backward(model: Net) -> None:
    model.norm.register_full_backward_hook(lambda *_: None)


def hooks_a_parameter(model: Net) -> None:
    model.head.weight.register_hook(lambda gradient: gradient)


def sets_an_attribute(model: Net) -> None:
    model.norm.last = images()


def changes_weights(model: Net) -> None:
    with torch.no_grad():
        model.head.weight.mul_(2)


def replaces_data(model: Net) -> None:
    model.head.bias.data = torch.ones(5)


def replaces_a_buffer(model: Net) -> None:
    model.norm.running_mean = torch.ones(4)


def replaces_a_parameter(model: Net) -> None:
    model.head.weight = nn.Parameter(torch.ones(5, 4))


def replaces_a_layer(model: Net) -> None:
    model.head = nn.Linear(4, 5)


def parametrises(model: Net) -> None:
    parametrize.register_parametrization(model.head, "weight", nn.Identity())


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (in_training_mode, "moves running_mean, running_var and num_batches_tracked of 2 layers"),
        (in_training_mode, "in training mode"),
        (sets_flags, "leaves head.weight frozen"),
        (hooks_a_layer, "leaves a hook on layer.0"),
        (hooks_with_keywords, "leaves a hook on norm"),
        (hooks_backward, "leaves a hook on norm"),
        (hooks_a_parameter, "leaves a hook on head.weight"),
        (sets_an_attribute, "sets `model.norm.last`"),
        (changes_weights, "changes weight of head"),
        (replaces_data, "changes bias of head"),
        (replaces_a_buffer, "moves running_mean of norm"),
        (replaces_a_parameter, "changes weight of head"),
        (replaces_a_layer, "sets `model.head`"),
        (parametrises, "gives head another class"),
    ],
)
def test_a_model_is_as_it_was(run: Callable[[Net], None], told: str) -> None:
    model, order = small(), [name for name, _ in small().named_parameters()]
    before, left = state_of(model), Leftovers(model)
    for _ in range(2):
        left.around(lambda: run(model))
        assert_unchanged(model, before)
    assert [name for name, _ in model.named_parameters()] == order
    (warning,) = left.warnings()
    assert told in warning
    assert warning.startswith("the attack ")
    assert warning.endswith(": put back after each run")


def test_a_run_that_leaves_nothing_is_told_nothing_of() -> None:
    model = small()
    left = Leftovers(model)
    left.around(lambda: model(images()).sum().backward())
    assert left.warnings() == []


def test_a_run_that_fails_is_put_back_too() -> None:
    model = small()
    before = state_of(model)

    def fails() -> None:
        in_training_mode(model)
        raise ValueError

    with pytest.raises(ValueError, match=""):
        Leftovers(model).around(fails)
    assert_unchanged(model, before)


@pytest.mark.parametrize(
    ("change", "read", "told"),
    [
        (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled, "set_grad_enabled to False"),
        (
            lambda: torch.set_default_dtype(torch.float64),
            torch.get_default_dtype,
            "torch.set_default_dtype to torch.float64",
        ),
        (
            lambda: torch.set_num_threads(torch.get_num_threads() + 1),
            torch.get_num_threads,
            "torch.set_num_threads",
        ),
        (
            lambda: torch.autograd.set_detect_anomaly(True),
            torch.is_anomaly_enabled,
            "torch.autograd.set_detect_anomaly to True",
        ),
        (
            lambda: setattr(torch.backends.cudnn, "benchmark", True),
            lambda: torch.backends.cudnn.benchmark,
            "torch.backends.cudnn.benchmark to True",
        ),
        (lambda: numpy.seterr(all="raise"), numpy.geterr, "numpy.seterr"),
        (
            lambda: sys.setrecursionlimit(4321),
            sys.getrecursionlimit,
            "sys.setrecursionlimit to 4321",
        ),
    ],
)
def test_the_process_is_as_it_was(
    change: Callable[[], object], read: Callable[[], object], told: str
) -> None:
    before, left = read(), Leftovers(small())
    left.around(change)
    assert read() == before
    assert told in left.warnings()[0]


def test_the_default_device_is_as_it_was() -> None:
    if not hasattr(torch, "set_default_device"):
        pytest.skip("this torch has none")
    left = Leftovers(small())
    left.around(lambda: torch.set_default_device("meta"))
    assert torch.zeros(1).device.type == "cpu"
    assert left.warnings() == [
        "the attack sets torch.set_default_device to meta: put back after each run"
    ]


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
