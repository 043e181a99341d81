"""What a call changes is put back in place, whatever it was."""

from __future__ import annotations

import numpy
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR

from adapters.workloads.state import Snapshot, can_be_put_back


def stepped(network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    network(torch.randn(4, 3)).square().mean().backward()
    optimizer.step()


def values(network: nn.Module) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in network.state_dict().values()]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(map(torch.equal, first, second))


@pytest.mark.parametrize("begun", [False, True])
def test_a_network_and_its_optimizer_go_back_in_place(begun: bool) -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    if begun:
        stepped(network, optimizer)
    before, places = values(network), [each.data_ptr() for each in network.parameters()]
    kept = {id(p): found["exp_avg"].clone() for p, found in optimizer.state.items()}
    snapshot = Snapshot([network, optimizer])
    for _ in range(2):
        stepped(network, optimizer)
        optimizer.param_groups[0]["lr"] = 7.0
        network.eval()
        assert not same(values(network), before)
        snapshot.put_back()
        assert same(values(network), before)
        assert places == [each.data_ptr() for each in network.parameters()]
        assert {id(p) for p in optimizer.state} == set(kept)
        assert all(torch.equal(f["exp_avg"], kept[id(p)]) for p, f in optimizer.state.items())
        assert optimizer.param_groups[0]["lr"] == 0.1
        assert network.training
        assert all(each.grad is None for each in network.parameters())


def test_a_parameter_that_was_exchanged_is_the_old_one_again() -> None:
    layer = nn.Linear(3, 4)
    weight = layer.weight
    snapshot = Snapshot([layer])
    layer.weight = nn.Parameter(torch.zeros(4, 3))
    snapshot.put_back()
    assert layer.weight is weight


def test_groups_that_were_added_go() -> None:
    layer, other = nn.Linear(3, 4), nn.Linear(3, 4)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    snapshot = Snapshot([optimizer])
    optimizer.add_param_group({"params": list(other.parameters())})
    snapshot.put_back()
    (group,) = optimizer.param_groups
    assert [id(each) for each in group["params"]] == [id(each) for each in layer.parameters()]


def test_tensors_arrays_generators_and_schedulers_go_back() -> None:
    leaf, array = torch.ones(3, requires_grad=True), numpy.ones(3)
    drawing = torch.Generator().manual_seed(1)
    optimizer = torch.optim.SGD([leaf], lr=1.0)
    schedule = StepLR(optimizer, 1)
    snapshot = Snapshot([leaf, array, drawing, optimizer, schedule])
    drawn = torch.rand(2, generator=drawing)
    leaf.sum().backward()
    optimizer.step()
    schedule.step()
    array += 1
    snapshot.put_back()
    assert leaf.tolist() == [1, 1, 1]
    assert leaf.grad is None
    assert array.tolist() == [1, 1, 1]
    assert torch.equal(torch.rand(2, generator=drawing), drawn)
    assert (schedule.last_epoch, optimizer.param_groups[0]["lr"]) == (0, 1.0)


@pytest.mark.parametrize("thing", [3, "a", [], lambda: None, object()])
def test_other_things_cant_be_put_back(thing: object) -> None:
    assert not can_be_put_back(thing)
