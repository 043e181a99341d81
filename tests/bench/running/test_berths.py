"""Which slots a run has, by what is asked and what made-up machines have."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bench.errors import BenchError, EnvironmentMismatch, UsageError
from bench.records.slot import Slot
from bench.running import devices
from bench.running.berths import Berth, Berths, agree
from bench.running.engines.base import Place
from bench.running.far import Agreed, Far
from tests.bench.running.machines import Machine, Machines, Scripted
from tests.commands import request

EIGHT = [f"GPU-{n}" for n in range(8)]
SIXTEEN = tuple((n, n + 16) for n in range(16))


@pytest.fixture
def open_() -> Iterator[Any]:
    """Opens the slots of machines, of which one that has no name is this one."""
    with contextlib.ExitStack() as stack:

        def opened(
            words: str, *machines: Machine, divides: bool = True, **named: Machine
        ) -> Berths:
            there: Mapping[str, Machine] = named or {"": (machines or (Machine(),))[0]}
            engine = Machines(there, divides=divides)
            return Berths(request("run", *words.split()), engine, "keep", stack)

        yield opened


def node(**more: Any) -> Machine:
    return Machine(**{"gpus": EIGHT, "cores": SIXTEEN, **more})


def restrictions(berths: Berths) -> list[tuple[dict[str, str], list[int]] | None]:
    return [starter_of(berth).restricted for berth in berths.all]


def starter_of(berth: Berth) -> Scripted:
    assert isinstance(berth.starter, Scripted)
    return berth.starter


def test_one_slot_is_as_ever(open_: Any) -> None:
    for words, machine, device in (
        ("", node(), "cuda:0"),
        ("--device cuda:3", node(), "cuda:3"),
        ("--devices cuda:3", node(), "cuda:3"),
        ("--slots 1", node(), "cuda:0"),
        ("", Machine(), "cpu"),
        ("--slots 1", Machine(), "cpu"),
    ):
        berths = open_(words, machine)
        (berth,) = berths.all
        assert (berth.device, berth.held, starter_of(berth).restricted) == (device, [], None)
        assert len(starter_of(berth).workers) == 1, "the one that looked around"


def test_all_gpus_have_a_slot_each_that_sees_it_alone(open_: Any) -> None:
    berths = open_("--devices all", node())
    assert [berth.name for berth in berths.all] == [f"cuda:{n}" for n in range(8)]
    assert {berth.device for berth in berths.all} == {"cuda:0"}
    looks = [berths.look(berth) for berth in berths.all]
    assert looks == [Slot("node1", n, uuid, others=7) for n, uuid in enumerate(EIGHT)]
    for berth, uuid in zip(berths.all, EIGHT, strict=True):
        seen = berth.pool.get().facts
        assert [gpu["uuid"] for gpu in seen["gpus"]] == [uuid]
        assert seen["devices"] == ["cuda:0", "cpu"]


@pytest.mark.parametrize(
    ("words", "indices"),
    [
        ("--devices cuda:0 cuda:1", [0, 1]),
        ("--devices cuda:5 cuda:2", [5, 2]),
        ("--devices cuda cuda:7", [0, 7]),
        ("--devices all cuda:1", list(range(8))),
        ("--devices all --slots 3", [0, 1, 2]),
        ("--slots 2", [0, 1]),
        ("--slots 2 --device cuda", [0, 1]),
    ],
)
def test_gpus_that_are_named_are_those_that_are_used(
    open_: Any, words: str, indices: list[int]
) -> None:
    berths = open_(words, node())
    assert [berth.told.index for berth in berths.all] == indices
    assert [berth.told.gpu for berth in berths.all] == [EIGHT[index] for index in indices]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--devices cuda:0 cuda:0", "--devices names cuda:0 twice"),
        ("--devices cuda cuda:0", "--devices names cuda:0 twice"),
        ("--devices cuda:9", "--devices cuda:9: torch 2.13.0 sees only cuda:0"),
        ("--devices cuda:0 tpu", "unknown device 'tpu'"),
        ("--devices cpu cuda:0", "--devices names cpu beside another"),
        ("--devices cuda:0 --device cuda:0", "--device names one and --devices several"),
        ("--devices all --slots 9", "--slots 9: there are 8 GPUs here"),
        ("--devices cuda:1 --slots 2", "--slots 2: there is 1 GPU here"),
        ("--slots 9", "--slots 9: there are 8 GPUs here"),
        ("--slots 2 --device cuda:1", "--slots 2: --device cuda:1 is one"),
    ],
)
def test_what_a_node_of_eight_gpus_does_not_have_is_refused_in_a_line(
    open_: Any, words: str, said: str
) -> None:
    with pytest.raises(UsageError) as told:
        open_(words, node())
    assert str(told.value).startswith(said)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--devices all", "--devices all is every GPU, and torch 2.13.0 sees none here"),
        ("--devices cuda:0", "--devices cuda:0: torch 2.13.0 sees only cpu here"),
        ("--devices cpu cpu", "--devices names cpu twice"),
        ("--slots 9", "9 slots on a machine of 8 cores"),
    ],
)
def test_what_a_machine_without_a_gpu_does_not_have_is_refused_in_a_line(
    open_: Any, words: str, said: str
) -> None:
    with pytest.raises(UsageError) as told:
        open_(words)
    assert str(told.value).startswith(said)
    assert "\n" not in str(told.value)


def test_an_apple_s_gpu_is_one() -> None:
    with pytest.raises(UsageError, match="--slots 2: --device mps is one"):
        devices.wanted(
            request("run", "--slots", "2"), ["mps", "cpu"], {"version": "2"}, "", divides=True
        )


def test_a_place_is_named_where_there_are_several(open_: Any) -> None:
    with pytest.raises(UsageError, match="sees none at ssh two; for several slots on a CPU"):
        open_("--devices all", **{"ssh one": node(), "ssh two": Machine("two")})
    dead = {"ssh one": node(), "ssh two": Machine("two", dead=True)}
    with pytest.raises(BenchError, match=r"no worker can be started at ssh two: .* no torch"):
        open_("", **dead)


def test_two_places_that_lead_to_one_gpu_are_refused(open_: Any) -> None:
    both = {"ssh one": node(), "ssh alias": node()}
    with pytest.raises(UsageError, match="ssh one cuda:0 and ssh alias cuda:0 lead to one GPU"):
        open_("--devices all", **both)
    both["ssh alias"].host = "node2"
    assert len(open_("--devices all", **both).all) == 16, "a UUID is of one machine"


@pytest.mark.parametrize(
    ("theirs", "told"),
    [({}, ["0", "1", "2"]), ({"CUDA_VISIBLE_DEVICES": "6, 3,5"}, ["6", "3", "5"])],
)
def test_without_uuids_gpus_are_told_apart_by_index_among_the_user_s_own(
    open_: Any, theirs: dict[str, str], told: list[str]
) -> None:
    berths = open_("--devices all", node(gpus=[None] * 3, variables=theirs))
    variables = [found[0] for found in restrictions(berths) if found is not None]
    assert variables == [{"CUDA_VISIBLE_DEVICES": name} for name in told]
    assert [berth.told.index for berth in berths.all] == [0, 1, 2]


def test_a_uuid_is_told_whatever_the_user_s_own_says(open_: Any) -> None:
    theirs = {"CUDA_VISIBLE_DEVICES": "1,0"}
    berths = open_("--devices all", node(gpus=["GPU-b", "GPU-a"], variables=theirs))
    found = [each[0] for each in restrictions(berths) if each is not None]
    assert found == [{"CUDA_VISIBLE_DEVICES": uuid} for uuid in ("GPU-b", "GPU-a")]


def test_where_a_place_has_one_gpu_nothing_is_hidden(open_: Any) -> None:
    berths = open_("--devices all", one=Machine("one", ["GPU-a"]), two=Machine("two", ["GPU-b"]))
    assert restrictions(berths) == [None, None]
    assert [berths.look(berth).others for berth in berths.all] == [0, 0]
    assert [berth.name for berth in berths.all] == ["one cuda:0", "two cuda:0"]


def test_the_cores_of_a_machine_are_split_and_none_is_torn_apart(open_: Any) -> None:
    berths = open_("--slots 2")
    assert [berth.held for berth in berths.all] == [[0, 4, 1, 5], [2, 6, 3, 7]]
    assert [berth.pool.get().facts["environment"]["threads"] for berth in berths.all] == [4, 4]
    assert [berths.look(berth) for berth in berths.all] == [
        Slot("node1", n, None, 1) for n in (0, 1)
    ]
    assert [berth.name for berth in berths.all] == ["slot 1", "slot 2"]


def test_what_can_not_be_split_evenly_is_left_out(open_: Any) -> None:
    held = [berth.held for berth in open_("--slots 3").all]
    assert held == [[0, 4], [2, 6], [3, 7]]


def test_more_slots_than_physical_cores_get_a_thread_each(open_: Any) -> None:
    held = [berth.held for berth in open_("--slots 5").all]
    assert {len(mine) for mine in held} == {1}
    assert len(set(itertools.chain.from_iterable(held))) == 5


@pytest.mark.parametrize("slots", range(1, 33))
def test_shares_are_alike_and_disjoint(slots: int) -> None:
    shares = devices.split(SIXTEEN, slots)
    assert len(shares) == slots
    assert len({len(share) for share in shares}) == 1
    every = list(itertools.chain.from_iterable(shares))
    assert len(set(every)) == len(every)
    if slots <= 16:
        assert all({core % 16 for core in share} == {*share} & {*range(16)} for share in shares)


def test_places_on_one_host_share_its_cores_and_others_do_not(open_: Any) -> None:
    berths = open_("", a=Machine("one"), b=Machine("one"), c=Machine("two"))
    first, second, third = (berth.held for berth in berths.all)
    assert not set(first) & set(second)
    assert third == []
    assert [berths.look(berth).others for berth in berths.all] == [1, 1, 0]
    assert [berth.told.index for berth in berths.all] == [0, 1, 0]


def test_places_of_one_host_that_have_cores_of_their_own_keep_them(open_: Any) -> None:
    berths = open_("", a=Machine("one", cores=((0,), (1,))), b=Machine("one", cores=((2,), (3,))))
    assert [berth.held for berth in berths.all] == [[], []]
    assert [berths.look(berth).others for berth in berths.all] == [1, 1]


def test_an_engine_s_places_are_a_slot_each(open_: Any) -> None:
    berths = open_("--slots 2", divides=False, a=Machine("one"), b=Machine("two"))
    assert [berth.name for berth in berths.all] == ["a", "b"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"told": {"processor": "another"}}, "processor another, not a processor"),
        ({"told": {"python": "3.12.1"}}, "python 3.12.1, not 3.11.7"),
        ({"told": {"libraries": {"timm": "1"}}}, "libraries {'timm': '1'}, not {}"),
        ({"cores": ((0,),)}, "threads 1, not 8"),
        ({"gpu": ("A100",)}, "GPU A100, not H200"),
    ],
)
def test_unlike_machines_are_refused_in_a_line_unless_told(
    open_: Any, other: dict[str, Any], said: str
) -> None:
    machines = {"one": Machine("one", ["GPU-a"]), "two": Machine("two", ["GPU-b"], **other)}
    berths = open_("", **machines)
    with pytest.raises(EnvironmentMismatch) as told:
        agree(berths.all, may_differ=False)
    assert str(told.value).startswith(f"two cuda:0 is unlike one cuda:0: {said};")
    assert "\n" not in str(told.value)
    agree(berths.all, may_differ=True)


@pytest.mark.parametrize("uuids", [["GPU-a", "GPU-b"], [None, None]])
def test_unlike_gpus_of_one_machine_are_refused(open_: Any, uuids: list[str | None]) -> None:
    berths = open_("--devices all", node(gpus=uuids, gpu=("H200", "A100")))
    with pytest.raises(EnvironmentMismatch, match="cuda:1 is unlike cuda:0: GPU A100, not H200"):
        agree(berths.all, may_differ=False)
    alike = open_("--devices all", node())
    agree(alike.all, may_differ=False)


def test_everything_is_closed_with_the_run() -> None:
    engine = Machines({"": node()})
    with contextlib.ExitStack() as stack:
        berths = Berths(request("run", "--devices", "all"), engine, "keep", stack)
        for berth in berths.all:
            berth.pool.get()
    assert len(engine.opened) == 8
    assert all(starter.closed for starter in engine.opened)
    assert all(worker.closed for starter in engine.opened for worker in starter.workers)


class Roaming:
    """A line to a keeper on a machine, which is another one after it broke."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def ask(self, asked: dict[str, Any], timeout: float) -> dict[str, Any]:
        if asked["do"] == "greet":
            from bench.records import provenance
            from bench.running import keeping, versions

            there = {"versions": versions.installed(), "code": provenance.code()}
            return {"ok": True, "keeper": keeping.VERSION, "forks": False, "cores": [0], **there}
        if asked["do"] == "start":
            return {"ok": True, "worker": 1, "facts": self.machine.facts({}, [])}
        if asked["do"] == "ask":
            assert asked["request"] == {"do": "gpus"}
            told = {"ok": True, "gpus": self.machine.facts({}, [])["gpus"]}
            return {"ok": True, "answer": told}
        return {"ok": True}

    def close(self) -> None:
        """It has nothing."""


def test_a_slot_that_comes_back_elsewhere_says_where() -> None:
    machines = [Machine("one", ["GPU-a"]), Machine("other", ["GPU-x"]), Machine("two", ["GPU-b"])]
    first, other, second = map(Roaming, machines)
    lines = {"a": iter([first, second]), "b": iter([other])}

    class Engine(Machines):
        def places(self) -> list[Place]:
            return [
                Place(n, lambda n=n: Far(n, lambda: next(lines[n]), Agreed(), print))  # type: ignore[misc]
                for n in lines
            ]

    with contextlib.ExitStack() as stack:
        berths = Berths(request("run"), Engine({}), "keep", stack)
        berth = berths.all[0]
        assert berths.look(berth) == Slot("one", 0, "GPU-a")
        berth.starter.close()
        berth.pool.replace()
        berth.pool.get()
        assert berths.look(berth) == Slot("two", 0, "GPU-b")
        assert berths.look(berths.all[1]) == Slot("other", 0, "GPU-x")
