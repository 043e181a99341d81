"""Workloads with networks that are only passed through, built and ready to run: in the worker."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy
import torch
from torch import Tensor, nn

from adapters import custom, registry
from adapters.base import AdapterError, UnsupportedSettings
from adapters.workloads import custom as workloads
from adapters.workloads import state as putting_back
from adapters.workloads.adapter import Beyond
from adapters.workloads.base import Program
from adapters.workloads.state import Snapshot
from bench.cases import BASELINE, SEMI_BACKWARD, Case, Comparison
from bench.errors import InvalidOutput
from bench.kinds.function.building import naming, results
from bench.kinds.function.building.results import Result
from bench.kinds.function.findings import FunctionFindings
from bench.kinds.function.options import FunctionOptions
from bench.statistics.equality import Equality
from bench.worker import failures, gradients, state
from bench.worker.leftovers import Leftovers
from bench.worker.workload import Workload, select_device
from semibackward import semi_backward

T = TypeVar("T")


class Foreign(nn.Module):
    """Several foreign networks as one model, which is never called itself."""

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        for name, network in networks.items():
            self.add_module(name, network)


@dataclass(frozen=True)
class FunctionWorkload(Workload):
    """A user's step, or a shipped one.

    Attributes:
        program: what its `setup` returned.
        start: what a call changes, as it was then.
        networks: the foreign ones, by their names in words.
        own: modules of the state, likewise.
        begun: parameters and buffers of the foreign networks as they were.
    """

    program: Program
    start: Snapshot
    networks: Mapping[str, nn.Module]
    own: Mapping[str, nn.Module]
    begun: Result

    makes = "results"
    whose = "the call"
    several = True
    seen_at = "what the foreign networks are called with"

    @property
    def kept(self) -> Sequence[Tensor]:
        """What the user trains: its gradients are what the call is for."""
        return list(putting_back.leaves(self.program.state))

    def run(self, variant: str, around: Callable[[Callable[[], Any]], T], part: int = 0) -> T:
        program, frozen = self.program, variant == SEMI_BACKWARD
        call = program.frozen_call if frozen and program.frozen_call else program.call
        block = _frozen(program) if frozen else nullcontext()

        def toggling() -> Any:
            with semi_backward(*program.foreign):
                return call()

        def run() -> T:
            self.start.put_back()
            if frozen and program.toggled:
                state.reset(self.model, self.seed)
                return around(toggling)
            with block:
                state.reset(self.model, self.seed)
                return around(call)

        return self.leftovers.around(run)

    @functools.cached_property
    def leftovers(self) -> Leftovers:
        """The foreign networks are put back, whatever a call does to them."""
        return Leftovers(self.model, whose=self.whose)

    def output(self, variant: str) -> Result:
        """What a call makes: what it returns, and what it leaves in the state and the networks."""
        try:
            return self.run(variant, self._made)
        except InvalidOutput:
            raise
        except Exception as error:
            if variant != SEMI_BACKWARD or failures.status_of(error) == "out-of-memory":
                raise
            trained = self._trained(self.run(BASELINE, self._made))
            if trained is None:
                raise
            raise InvalidOutput(
                f"the call trains {trained}, and raises {type(error).__name__} where that is"
                " frozen; leave that network out of `foreign`"
            ) from error

    def _made(self, run: Callable[[], Any]) -> Result:
        return tuple(self._pieces(run()))

    def _pieces(self, returned: Any) -> Iterator[results.Piece]:
        yield from results.pieces(returned, results.RETURNED)
        if self.program.after is not None:
            yield from results.pieces(self.program.after(), results.AFTER)
        yield from results.of_networks(self.networks, foreign=True)
        yield from results.of_networks(self.own, foreign=False)
        theirs = {id(each) for each in self.model.parameters()}
        for number, one in enumerate(self.program.state):
            if isinstance(one, Tensor):
                yield from results.pieces(one, f"`state[{number}]`")
        for place, tensor in self._named():
            if id(tensor) not in theirs:
                yield from results.gradients([(place, tensor)])

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        """What the user trains, in words."""
        for told, network in self.own.items():
            for name, parameter in network.named_parameters():
                yield f"`{name}` of {told}", parameter
        for number, one in enumerate(self.program.state):
            if isinstance(one, Tensor) and one.is_leaf:
                yield f"`state[{number}]`", one

    def _trained(self, result: Result) -> str | None:
        """What a call changed in the parameters of a foreign network, in words."""
        theirs = {piece.place: piece for piece in result if piece.network is not None}
        for before in self.begun:
            now = theirs.get(before.place)
            if now is None or " parameter " not in before.place:
                continue
            found = results.same(before.value, now.value)
            if not found.bitwise:
                return f"{before.place}, which changes{_by(found)}"
        return None

    def compare(self, first: Any, second: Any) -> Equality:
        return results.compare(first, second)

    def difference(self, first: Any, second: Any, found: Equality) -> str:
        apart = results.parted(first, second)
        if not apart:
            return "in what it is made of"
        places = {piece.place: piece.value for piece in first}
        one = apart[0]
        more = f", and in {len(apart) - 1} more" if len(apart) > 1 else ""
        return f"in {one.place}{_by(results.same(places.get(one.place), one.value))}{more}"

    def explained(self, first: Any, second: Any) -> str | None:
        """That the call trains a foreign network, where that is what tells two results apart."""
        apart = {p.place for p in results.parted(first, second) if p.network is not None}
        trained = self._trained(first)
        if trained is None or not any(" parameter " in place for place in apart):
            return None
        return f"the call trains {trained}; leave that network out of `foreign`"

    def to_repeat(self) -> str:
        return (
            "name what holds it in `state`, and draw random numbers from torch, numpy or random,"
            " so that a call starts from where the last one did"
        )

    def flat(self, output: Any) -> Tensor:
        return results.flat(output)

    def counted(self, first: Any, second: Any, found: Equality) -> Equality:
        return found

    def doubts(self, output: Any) -> list[str]:
        found = results.infinite(output)
        if not found:
            return []
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return [f"{found[0]}{more}: not all numbers are finite; look at what `setup` starts from"]

    def findings(self, *, again: bool) -> FunctionFindings | None:
        if again:
            return None
        return FunctionFindings(
            networks=[type(one).__name__ for one in self.program.foreign],
            names=naming.names_of(self.program),
            toggled=self.program.toggled,
            frozen_call=self.program.frozen_call is not None,
        )


def build(comparison: Comparison, seed: int) -> FunctionWorkload:
    """Call a workload's `setup`, and look at what it made.

    Raises:
        AdapterError: its library is unavailable, or it is no workload.
    """
    case = comparison.case
    FunctionOptions.of(case)  # nothing to ask of it; another kind's can't be built here
    select_device(case.device)
    program = _made(case, seed)
    _check_device(case, program)
    networks = naming.told(program.foreign, "the foreign network")
    modules = [one for one in program.state if isinstance(one, nn.Module)]
    first, *others = program.foreign
    model = Foreign(naming.numbered(program.foreign)) if others else first
    workload = FunctionWorkload(
        comparison=comparison,
        seed=seed,
        model=model,
        library_version=program.version,
        program=program,
        start=Snapshot(program.state),
        networks=networks,
        own=naming.told(modules, "", besides=program.foreign),
        begun=tuple(results.of_networks(networks, foreign=True)),
    )
    _look(workload)
    return workload


def _made(case: Case, seed: int) -> Program:
    given = {"device": case.device, "dtype": case.dtype, "batch": case.batch, "seed": seed}
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
    if case.library == custom.LIBRARY:
        return workloads.made(workloads.setup_of(case.attack), case.attack, given)
    adapter = registry.get(case.library)
    if not isinstance(adapter, Beyond):
        raise UnsupportedSettings(f"{case.library} has no workloads of this kind")
    return adapter.make(case.attack, given)


def _check_device(case: Case, program: Program) -> None:
    """The networks are where they were asked to be."""
    wanted = torch.device(case.device).type
    for one in program.foreign:
        found = {each.device.type for each in one.parameters()}
        if found != {wanted}:
            raise UnsupportedSettings(
                f"{type(one).__name__} is on {' and '.join(sorted(found))}, and {case.device} was"
                " asked for: let `setup` take `device`, or name another with --device"
            )


def _look(workload: FunctionWorkload) -> None:
    """Run it once: it has to come to its foreign networks.

    Raises:
        AdapterError: it does not.
    """

    def observed(run: Callable[[], Any]) -> gradients.GradientTrace:
        with gradients.observed(workload.model) as trace:
            run()
        return trace

    seen = workload.run(BASELINE, observed).observed
    if not seen.model_calls and not seen.reached:
        names = naming.listed(type(one).__name__ for one in workload.program.foreign)
        raise AdapterError(
            f"{workload.comparison.case.attack}: the call never comes to {names}; name in `foreign`"
            " the very modules that it calls"
        )


def _frozen(program: Program) -> AbstractContextManager[None]:
    return nullcontext() if program.toggled else semi_backward(*program.foreign)


def _by(found: Equality) -> str:
    if found.bitwise:
        return ""
    if found.max_abs_diff is None:
        return " by its kind, its shape, or values that are not finite"
    return f" by up to {found.max_abs_diff:.3g}"
