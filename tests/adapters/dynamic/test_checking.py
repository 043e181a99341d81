"""The protocol of dynamic networks: whatever holds the parts, and each fault told by its name."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adapters.base import AdapterError, UnsupportedSettings
from adapters.models.dynamic.base import Gated
from adapters.models.dynamic.checking import look
from tests.adapters.trained.toy import Toy

pytestmark = pytest.mark.usefixtures("one_thread")

GATES, CLASSES = 2, 4
Plain = namedtuple("Plain", ["flops", "gates", "logits"])


@dataclass
class Parts:
    """A user's own."""

    logits: Tensor
    gates: Tensor
    flops: Tensor


class Users(nn.Module):
    """A dynamic network of a user's.

    Args:
        changed: makes its output of its parts, by name.
    """

    def __init__(self, changed: Callable[[dict[str, Any]], Any] = lambda parts: parts) -> None:
        super().__init__()
        self.layer = nn.Linear(12, CLASSES)
        self.gate = nn.Linear(12, GATES)
        self.gate_flops: Any = torch.tensor([30.0, 10.0])
        self.static_flops: Any = 100
        self.changed = changed

    def forward(self, images: Tensor) -> Any:
        flat = images.flatten(1)
        gates = torch.sigmoid(self.gate(flat))
        flops = 60.0 + (gates >= 0.5).float() @ torch.tensor([30.0, 10.0])
        return self.changed({"logits": self.layer(flat), "gates": gates, "flops": flops})


def images() -> Tensor:
    return torch.rand(3, 3, 2, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "held",
    [
        lambda parts: parts,
        lambda parts: Parts(**parts),
        lambda parts: Plain(**parts),
        lambda parts: Gated(**parts),
        lambda parts: SimpleNamespace(**parts),
        lambda parts: (parts["logits"], parts["gates"], parts["flops"]),
        lambda parts: [parts["logits"], parts["gates"], parts["flops"].long(), None],
    ],
    ids=["dict", "dataclass", "named tuple", "ours", "object", "tuple", "list with integers"],
)
def test_whatever_holds_the_parts(held: Callable[[dict[str, Any]], Any]) -> None:
    model = Users(held)
    found = look(model, images(), "it")
    assert (found.static_flops, found.classes) == (100.0, CLASSES)
    assert found.gate_flops.tolist() == [30.0, 10.0]
    read = found.read(model(images()))
    assert torch.equal(read.gates, torch.sigmoid(model.gate(images().flatten(1))))
    assert torch.equal(read.logits, model.layer(images().flatten(1)))
    assert read.flops.dtype == found.gate_flops.dtype == torch.float64
    assert read.exits is None


def test_ours_keep_to_it_and_are_left_as_they_are() -> None:
    network = Toy(10).eval()
    given = torch.rand(2, 3, 32, 32)
    before = given.clone()
    found = look(network, given, "toy")
    assert torch.equal(found.gate_flops, network.gate_flops)
    assert torch.equal(given, before)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_exits_are_read_where_there_are_some() -> None:
    model = Users(lambda parts: {**parts, "exits": parts["logits"][:, None].repeat(1, 2, 1)})
    read = look(model, images(), "it").read(model(images()))
    assert read.exits is not None
    assert read.exits.shape == (3, 2, CLASSES)


def put(name: str, value: Callable[[Tensor], Any]) -> Callable[[dict[str, Any]], Any]:
    """A change of one part."""
    return lambda parts: {**parts, name: value(parts[name])}


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda parts: {key: value for key, value in parts.items() if key != name}


def at(image: int, gate: int, number: float) -> Callable[[Tensor], Tensor]:
    def changed(values: Tensor) -> Tensor:
        values = values.clone()
        values[image, gate] = number
        return values

    return changed


OUTPUTS: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda parts: parts["logits"], r"has no gates: it returns a tensor of 3×4; .*docs/energy.md"),
    (lambda parts: None, r"has no gates: it returns None"),
    (lambda parts: tuple(parts.values())[:2], r"has no gates: it returns a tuple of 2 parts"),
    (without("gates"), r"has no gates: it returns a dict of logits, flops"),
    (put("gates", lambda gates: gates[:, :0]), r"has no gates: its `gates` are of 3×0"),
    (put("gates", lambda gates: list(gates)), r"a list of 3 parts as `gates`.*torch.stack"),
    (put("gates", lambda gates: gates[0]), r"gates of 2, float32, for 3 images; .*\(3, number"),
    (put("gates", lambda gates: gates[:2]), r"gates of 2×2, float32, for 3 images"),
    (put("gates", lambda gates: gates > 0.5), r"gates of 3×2, bool, for 3 images; .*floating"),
    (put("gates", at(1, 0, 1.5)), r"outside \[0, 1\]: gate 0 is 1.5 for image 1, counted from 0"),
    (put("gates", at(2, 1, -0.25)), r"outside \[0, 1\]: gate 1 is -0.25 for image 2"),
    (put("gates", at(0, 1, float("nan"))), r"outside \[0, 1\]: gate 1 is nan for image 0"),
    (put("gates", Tensor.detach), r"no gradient leads from its gates to the images"),
    (put("gates", lambda gates: (gates > 0.5).float()), r"not what came of comparing them"),
    (without("flops"), r"returns a dict of logits, gates without `flops`"),
    (put("flops", lambda flops: flops[:, None]), r"flops of 3×1 for 3 images; .*\(3,\)"),
    (put("flops", lambda flops: flops * -1), r"flops of -\d+ for image 0; .*not negative"),
    (put("flops", lambda flops: flops / 0), r"flops of inf for image 0; .*finite"),
    (put("flops", lambda flops: flops * 2), r"flops of \d+, above its `static_flops` of 100"),
    (without("logits"), r"returns a dict of gates, flops without `logits`"),
    (put("logits", lambda logits: logits[:1]), r"logits of 1×4, float32, for 3 images"),
    (put("logits", lambda logits: logits / 0), r"logits that are not all finite"),
    (lambda parts: {**parts, "exits": parts["logits"]}, r"exits of 3×4, .*\(3, number of exits, 4"),
]


@pytest.mark.parametrize(("changed", "said"), OUTPUTS, ids=[said[:40] for _, said in OUTPUTS])
def test_each_fault_of_an_output_is_a_line(
    changed: Callable[[dict[str, Any]], Any], said: str
) -> None:
    with pytest.raises(UnsupportedSettings, match=f"^my network .*{said}") as raised:
        look(Users(changed), images(), "my network")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        ("gate_flops", None, r"no attribute `gate_flops`: set it to a tensor of 2 numbers"),
        ("gate_flops", torch.ones(3), r"`gate_flops` of 3, where its gates are of 3×2;.*2 numbers"),
        ("gate_flops", [1.0, -2.0], r"`gate_flops` of -2 for gate 1"),
        ("gate_flops", [0.0, 0.0], r"all 0, so that no gate costs anything"),
        ("gate_flops", "many", r"`gate_flops` that are no numbers"),
        ("static_flops", None, r"no attribute `static_flops`"),
        ("static_flops", 0, r"`static_flops` of 0; it must be a number above 0"),
        ("static_flops", float("inf"), r"`static_flops` of inf"),
        ("static_flops", torch.ones(2), r"`static_flops` of a tensor of 2"),
    ],
)
def test_each_fault_of_what_a_network_says_is_a_line(
    attribute: str, value: object, said: str
) -> None:
    model = Users()
    setattr(model, attribute, value)
    with pytest.raises(UnsupportedSettings, match=f"^my network .*{said}") as raised:
        look(model, images(), "my network")
    assert "\n" not in str(raised.value)


def test_a_network_that_changes_its_images_or_fails_is_told() -> None:
    class Changing(Users):
        def forward(self, images: Tensor) -> Any:
            return super().forward(images.sub_(0.5))

    with pytest.raises(UnsupportedSettings, match="changes in place the images"):
        look(Changing(), images(), "it")
    with pytest.raises(AdapterError, match=r"it fails on 3 images of 3x8x8: RuntimeError: "):
        look(Users(), torch.rand(3, 3, 8, 8), "it")


def test_rounding_is_no_fault() -> None:
    model = Users(put("gates", lambda gates: gates + 1e-6 - gates.detach() + 1.0))
    assert look(model, images(), "it").classes == CLASSES
