"""What is seen of one run beside its calls of autograd: whose gradients they are, and why."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from bench.statistics.observed import Foreign, Observed, Reading
from bench.worker import attributes, frames, graphs
from bench.worker.networks import SUBSTITUTES, Leaf, Networks, Owner
from bench.worker.tensors import whole

MOST_NAMED = 64
"""Leaves whose name is looked for in one run; a search goes through what the attack can see."""
MOST_OWNERS = 8
"""That a record tells of."""


@dataclass
class Call:
    """One outermost call of the engine, with those inside it.

    Attributes:
        parameters: ids of the model's parameters.
        thread: that made it.
        own: of each of the model's parameters whose gradient was computed, by id, the operation.
        foreign: other leaves whose gradient was, by id.
        others: leaves that are watched, by id.
    """

    parameters: Set[int]
    thread: int
    own: dict[int, str] = field(default_factory=dict)
    foreign: dict[int, Leaf] = field(default_factory=dict)
    others: dict[int, Leaf] = field(default_factory=dict)

    def computed(self, leaves: frozenset[int], operation: str) -> None:
        """A node returned a gradient that is for these leaves alone."""
        for leaf in leaves:
            if leaf in self.parameters:
                self.own.setdefault(leaf, operation)
            elif leaf in self.others:
                self.foreign[leaf] = self.others[leaf]


class Sight:
    """Watches one run on a model.

    Args:
        model: whose parameters count.
        kept: other tensors whose gradients are wanted.
    """

    def __init__(self, model: nn.Module, kept: Iterable[Tensor] = ()) -> None:
        self._kept = {id(tensor): tensor for tensor in kept}
        self._parameters = {id(parameter): parameter for parameter in model.parameters()}
        self._memory = {found.data_ptr() for found in self._parameters.values()} - {0}
        self._networks = Networks(model)
        self._open: list[Call] = []
        self._calls: list[Call] = []
        self._frozen_before = self._frozen()
        self._trainable: set[int] = set()
        self._reached: set[int] = set()
        self._passed_over: set[int] = set()
        self._transformed = 0
        self._set: dict[bool, dict[str, None]] = {False: {}, True: {}}
        self._reads: dict[Reading, None] = {}
        self._searches = 0

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """See, inside the block, what else the run does."""
        with attributes.watched(self._read, self._flagged), self._networks.watched():
            yield

    def begin(self) -> tuple[Call, bool]:
        """The call of the engine that one made now belongs to, and whether it is that one.

        One inside another is made by the same thread, or by one of the engine's own.
        """
        thread = threading.get_ident()
        engines = isinstance(threading.current_thread(), threading._DummyThread)
        for call in reversed(self._open):
            if engines or call.thread == thread:
                return call, False
        call = Call(self._parameters.keys(), thread)
        self._open.append(call)
        self._networks.recomputing = True
        return call, True

    def end(self, call: Call) -> None:
        """An outermost call has returned, or raised."""
        self._open.remove(call)
        self._networks.recomputing = bool(self._open)
        self._calls.append(call)

    def asked(
        self, call: Call, leaves: Mapping[int, Tensor], inputs: Any, frame: FrameType
    ) -> Set[int]:
        """Take down what the engine is asked for.

        Args:
            call: the outermost one.
            leaves: of the graph, by id.
            inputs: that gradients are asked for; none for all leaves.
            frame: that asks.

        Returns:
            ids of the leaves whose gradients are to be watched.
        """
        named = {id(found): found for found in map(graphs.variable, inputs) if found is not None}
        wanted = self._wanted(named.values(), frame)
        reached = leaves.keys() & self._parameters.keys()
        self._reached |= reached
        self._trainable |= {i for i, each in self._parameters.items() if each.requires_grad}
        if inputs and not wanted:
            self._passed_over |= reached
        for key, leaf in leaves.items():
            if key in self._parameters or key in named:
                continue
            found = self._foreign(leaf, frame)
            if found is not None:
                call.others[key] = found
                if not inputs and not found.network:
                    call.foreign[key] = found  # backward() computes the gradient of every leaf
        # What a node returns for a loose tensor is told from what it returns for the images only
        # where neither is asked for.
        watched = {key for key, leaf in call.others.items() if leaf.network or inputs}
        return watched | self._parameters.keys()

    def _wanted(self, named: Any, frame: FrameType) -> bool:
        """Whether the model's parameters, or what shares their memory, are asked for by name."""
        wanted = transformed = False
        for tensor in named:
            inner = whole(tensor)
            transformed = transformed or inner is not tensor
            leaf = self._networks.leaf(inner)
            if leaf is not None:
                leaf.read = True
            if id(inner) in self._parameters or _memory(inner) in self._memory or _stands_in(leaf):
                wanted = True
                self._note(frame)
        self._transformed += transformed
        return wanted

    def _foreign(self, tensor: Tensor, frame: FrameType) -> Leaf | None:
        """What is known of a leaf that is none of the model's; None for one like the images."""
        if self._kept.get(id(tensor)) is tensor:
            return None
        known = self._networks.leaf(tensor)
        if known is not None:
            return known
        if whole(tensor) is not tensor or self._like_images(tensor.shape):
            return None
        self._searches += 1
        return self._networks.loose(tensor, frame if self._searches <= MOST_NAMED else None)

    def _like_images(self, shape: torch.Size) -> bool:
        """Whether it is that of what the model is called with, but for the batch."""
        ends = (each[1:] for each in self._networks.shapes if len(each) > 1)
        return any(shape[-len(end) :] == end for end in ends)

    def _read(self, tensor: Tensor, frame: FrameType) -> None:
        mine = self._parameters.get(id(tensor)) is tensor
        leaf = None if mine else self._networks.leaf(tensor)
        if (not mine and leaf is None) or frames.by_the_trick(frame):
            return
        use = frames.use_of_grad(frame)
        if use == "looks":
            return
        if leaf is not None and use == "reads":
            leaf.read = True
        if mine or _stands_in(leaf):
            self._note(frame, clears=use == "clears")

    def _note(self, frame: FrameType, *, clears: bool = False) -> None:
        place = frames.place(frame)
        if place is not None:
            self._reads[Reading(place.where, place.code, clears)] = None

    def _flagged(self, tensor: Tensor, flag: bool, frame: FrameType) -> None:
        if self._parameters.get(id(tensor)) is not tensor:
            return
        place = frames.place(frame)
        if place is not None:
            self._set[flag][place.where] = None

    def _frozen(self) -> int:
        return sum(not parameter.requires_grad for parameter in self._parameters.values())

    @property
    def others(self) -> list[str]:
        """The networks that were called and are none of the model's, in words."""
        return self._networks.others

    def observed(self, computed: Set[int]) -> Observed:
        """What was seen; `computed` has the ids of the parameters whose gradient was."""
        foreign = [self._unread(call) for call in self._calls]
        own = [bool(call.own) for call in self._calls]
        return Observed(
            calls=len(self._calls),
            wasting=sum(mine or bool(left) for mine, left in zip(own, foreign, strict=True)),
            reached=len(self._reached),
            skipped=len(self._passed_over - computed),
            transformed=self._transformed,
            model_calls=self._networks.calls,
            graphless=self._networks.graphless,
            substituted=self._networks.substituted,
            frozen_before=self._frozen_before,
            frozen=len(self._parameters) - len(self._trainable) if self._calls else 0,
            frozen_after=self._frozen(),
            freezes=list(self._set[False]),
            thaws=list(self._set[True]),
            foreign=_by_owner(foreign),
            reads=list(self._reads),
        )

    def _unread(self, call: Call) -> list[Leaf]:
        """The leaves whose gradient a call computed, and nobody read."""
        return [
            leaf
            for leaf in call.foreign.values()
            if not leaf.read and (leaf.network or not self._like_images(leaf.shape))
        ]


def _by_owner(calls: list[list[Leaf]]) -> list[Foreign]:
    keys: dict[Owner, set[str]] = {}
    totals: dict[Owner, int] = {}
    for leaves in calls:
        for leaf in leaves:
            keys.setdefault(leaf.owner, set()).add(leaf.key)
            totals[leaf.owner] = totals.get(leaf.owner, 0) + 1
    found = [Foreign(owner.told, len(keys[owner]), totals[owner], owner.freeze) for owner in totals]
    return sorted(found, key=lambda each: -each.gradients)[:MOST_OWNERS]


def _stands_in(leaf: Leaf | None) -> bool:
    """Whether it is of a copy of the model, or stands in the place of a parameter."""
    return leaf is not None and (leaf.owner.copied or leaf.owner is SUBSTITUTES)


def _memory(tensor: Tensor) -> int | None:
    """Where its values are; None for what has no memory of its own, or none to be asked."""
    try:
        return tensor.data_ptr() or None
    except (RuntimeError, NotImplementedError):
        return None
