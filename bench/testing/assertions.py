"""What a test can hold an attack to: no parameter gradients, the same output, a ratio of times.

Here an attack is anything called as `attack(images, labels)`, as most libraries' are; of a function
that takes the model too, `functools.partial(attack, model)` is one. It is handed copies of the
images and labels, so it may work in place. pytest's fixture `semibackward` is this module.
"""

from __future__ import annotations

import dataclasses
import random

import numpy
import pytest
import torch
from torch import Tensor, nn

from bench.running import progress
from bench.statistics import blocks
from bench.statistics.blocks import Block
from bench.statistics.estimate import Speedup
from bench.statistics.stopping import Looks, StopRule
from bench.testing import looking
from bench.testing.looking import Look
from bench.worker import equality, timer
from semibackward import semi_backward

Attack = looking.Attack

WARMUP_RUNS = 2
"""Of each attack, before the first that is timed."""
TOLERANCE = 1e-6
"""The largest difference, on images in [0, 1], that `assert_same` allows where none is named."""


@dataclasses.dataclass(frozen=True)
class Frozen:
    """An attack with a model's parameters frozen while it runs; see `frozen`."""

    attack: Attack
    model: nn.Module

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        with semi_backward(self.model):
            return self.attack(images, labels)


def frozen(attack: Attack, model: nn.Module) -> Attack:
    """The attack with the model's parameters frozen while it runs, as `semi_backward` does it.

    Args:
        attack: on that model.
        model: what it attacks.
    """
    return Frozen(attack, model)


def assert_no_parameter_gradients(
    attack: Attack, model: nn.Module, images: Tensor, labels: Tensor, *, black_box: bool = False
) -> None:
    """One run of the attack computes no gradient of a parameter.

    The gradients are counted inside autograd's engine, wherever they end up, so an attack that
    clears `.grad` after itself is found out too; so is one that computes those of a copy of the
    model, or of another network, and reads none. Counting is exact: it knows no noise.

    Args:
        attack: to be looked at.
        model: the model it attacks; some of its parameters must require a gradient, as they do in
            your users' models. The attack must call it, and ask for a gradient through it: of one
            that does not, nothing is found.
        images, labels: what it is run on; one image will do.
        black_box: the attack need not ask for a gradient, only call the model.

    Raises:
        AssertionError: it does, and the message says how many, and by which call; or nothing could
            be found, and the message says what the attack did in place of attacking the model.
        ValueError: every parameter is frozen already, so that nothing could be found.
    """
    __tracebackhide__ = True
    trainable = [p for p in model.parameters() if p.requires_grad]
    if not trainable:
        raise ValueError(
            "no parameter of the model requires a gradient, so no attack could compute one; test"
            " with the model as your users have it: model.requires_grad_(True)"
        )
    seen = looking.look(attack, model, images, labels)
    if found := looking.blame(seen):
        raise AssertionError(found)
    if missing := looking.unmet(seen, "the attack", "nothing was checked", black_box=black_box):
        raise AssertionError(missing)


def assert_same(
    first: Attack,
    second: Attack,
    images: Tensor,
    labels: Tensor,
    *,
    model: nn.Module | None = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> None:
    """Two attacks make the same adversarial images from the same seed.

    Args:
        first, second: as `attack` and `frozen(attack, model)`.
        images, labels: what they are run on.
        model: that both must call; a frozen attack must call that which it is frozen for.
        seed: set before each run, for python, numpy and torch.
        tolerance: the largest difference that still counts as the same; 0 for bit for bit.

    Raises:
        AssertionError: they differ; the message says by how much, and whether the first one
            repeats itself at all. Or nothing was compared: both return the images unchanged, or
            one does not call its model.
    """
    __tracebackhide__ = True
    runs = [
        _looked(attack, model, images, labels, seed, who)
        for attack, who in ((first, "the first attack"), (second, "the second attack"))
    ]
    one, other = (_image(seen.output) for seen in runs)
    found = equality.compare(one, other)
    difference = found.max_abs_diff
    if found.bitwise or (tolerance > 0 and difference is not None and difference <= tolerance):
        if all(seen.unchanged for seen in runs):
            raise AssertionError(_unchanged(runs))
        return
    again = equality.compare(one, _output(first, images, labels, seed))
    if not again.bitwise:
        raise AssertionError(
            f"the first attack does not repeat itself: from seed {seed} it came out otherwise"
            f" {_by(again.max_abs_diff)} the second time; draw its random numbers from torch,"
            " numpy or random, and keep no state from run to run"
        )
    raise AssertionError(
        f"the two attacks make different adversarial examples: {_shape(one)} and"
        f" {_shape(other)}, which differ {_by(difference)}; {tolerance:g} is allowed"
    )


def assert_ratio(
    first: Attack,
    second: Attack,
    images: Tensor,
    labels: Tensor,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    model: nn.Module | None = None,
    precision: float = 0.02,
    max_seconds: float = 20.0,
    strict: bool = False,
    seed: int = 0,
) -> Speedup:
    """The first attack takes so many times as long as the second.

    Both are timed in this process, in neighbouring blocks, until the interval of their ratio is
    narrow enough or the time is spent; then the interval is read. It fails the test only if it
    lies wholly on the wrong side of a bound. If it holds a bound inside it, nothing is known, and
    the test is skipped with that reason.

    Args:
        first, second: as `attack` and `frozen(attack, model)`, or an old one and a new one.
        images, labels: what they are run on.
        at_least, at_most: bounds of time(first) / time(second); one or both.
        model: that both must call; its parameters' `.grad` is cleared before each run, as a
            training loop does it. A frozen attack must call the model that it is frozen for.
        precision: half-width of the interval of the log ratio that is narrow enough.
        max_seconds: of measuring; up to four times as many for a slow attack, to have an interval.
        strict: fail where nothing is known, in place of skipping.
        seed: of the order of runs, and set before each run.

    Returns:
        the ratio with its interval, for more to be asserted or printed.

    Raises:
        AssertionError: the ratio is not in the bounds; or nothing was timed: an attack does not
            call its model, or returns the images unchanged after no call at all or an error.
        ValueError: no bound is given, or the lower one is above the upper one.
    """
    __tracebackhide__ = True
    if at_least is None and at_most is None:
        raise ValueError("give at_least, at_most or both")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise ValueError(f"at_least={at_least:g} is above at_most={at_most:g}")
    for attack, who in ((first, "the first attack"), (second, "the second attack")):
        seen = _looked(attack, model, images, labels, seed, who)
        if idle := looking.idle(seen, who):
            raise AssertionError(f"{idle}, so nothing was timed")
    rule = StopRule.for_device(str(images.device), precision, max_seconds)
    found = _measured(first, second, images, labels, model, rule, seed)
    said = f"the first attack's time over the second's is {progress.in_words(found)}"
    low, high = found.low or 0.0, found.high or float("inf")
    for bound, wrong, known, wanted in (
        (at_least, high < (at_least or 0), low >= (at_least or 0), "at least"),
        (at_most, low > (at_most or 0), high <= (at_most or 0), "at most"),
    ):
        if bound is None:
            continue
        if wrong:
            raise AssertionError(f"{said}; {wanted} {bound:g} is wanted")
        if not known:
            unknown = (
                f"inconclusive: {said}, which leaves {wanted} {bound:g} open; set a bound further"
                " off, or raise max_seconds"
            )
            if strict:
                raise AssertionError(unknown)
            pytest.skip(unknown)
    return found


def _measured(
    first: Attack,
    second: Attack,
    images: Tensor,
    labels: Tensor,
    model: nn.Module | None,
    rule: StopRule,
    seed: int,
) -> Speedup:
    """Time both until the rule says so."""
    clock = timer.for_device(str(images.device))
    attacks = {"A": first, "B": second}

    def run(letter: str) -> blocks.Sample:
        given = images.clone(), labels.clone()
        for parameter in () if model is None else model.parameters():
            parameter.grad = None
        _seed(seed)
        return clock.time(lambda: attacks[letter](*given))

    for letter in "AB" * WARMUP_RUNS:
        run(letter)
    looks = Looks(rule)
    measured: list[Block] = []
    seconds = 0.0
    for order in blocks.orders(seed):
        measured.append(Block(0, order, tuple(run(letter) for letter in order)))
        seconds += sum(sample.seconds for sample in measured[-1].samples)
        if looks.reason(measured, seconds) is not None:
            break
    assert looks.interval is not None
    return looks.interval


def _looked(
    attack: Attack, model: nn.Module | None, images: Tensor, labels: Tensor, seed: int, who: str
) -> Look:
    """One run that is looked at.

    Raises:
        AssertionError: it does not call the model that it should.
    """
    __tracebackhide__ = True
    own = attack.model if isinstance(attack, Frozen) else model
    seen = looking.look(attack, own, images, labels, lambda: _seed(seed))
    if own is not None:
        missing = looking.unmet(seen, who, "nothing was compared", black_box=True)
        if missing is not None:
            raise AssertionError(missing)
    return seen


def _output(attack: Attack, images: Tensor, labels: Tensor, seed: int) -> Tensor:
    _seed(seed)
    return _image(attack(images.clone(), labels.clone()))


def _image(output: object) -> Tensor:
    if not isinstance(output, Tensor):
        raise TypeError(f"the attack returned {type(output).__name__}, not adversarial examples")
    return output.detach()


def _unchanged(runs: list[Look]) -> str:
    idle = [
        found
        for seen, who in zip(runs, ("the first attack", "the second attack"), strict=True)
        if (found := looking.idle(seen, who))
    ]
    seen = f" ({'; '.join(idle)})" if idle else ""
    return (
        f"both attacks return the images unchanged, so nothing was compared{seen}; take images and"
        " labels that they change, as images that the model still classifies rightly"
    )


def _seed(seed: int) -> None:
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


def _by(difference: float | None) -> str:
    return (
        "in dtype, shape or by what is not finite" if difference is None else f"by {difference:.3g}"
    )


def _shape(output: Tensor) -> str:
    return f"{str(output.dtype).removeprefix('torch.')} {tuple(output.shape)}"
