"""What is measured: a case, and the variants it is run in. Pure values, no torch."""

from __future__ import annotations

import contextlib
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Literal, TypeVar

BASELINE = "original"
SEMI_BACKWARD = "semi-backward"
A_A = "a-a"
FORWARD_ONLY = "forward-only"
AS_BUILT = "as built"
"""What stands for the weights of a user's model that is given none."""
RIVAL = "rival"
"""What stands for the variant in a duel: the original again, of the other side's library."""

DTYPES = ("float32", "float64", "float16", "bfloat16")

Status = Literal[
    "ok",
    "unequal",
    "reads parameter gradients",
    "failed",
    "out-of-memory",
    "timeout",
    "unsupported",
]
"""How a case ends."""
DECIDED: tuple[Status, ...] = ("ok", "unequal", "reads parameter gradients")
"""The ends that another run of the same code comes to again."""

_OVER = " over "

T = TypeVar("T", bound="OfKind")
_read: ContextVar[Sequence[str]] = ContextVar("kinds that are read", default=())


@contextlib.contextmanager
def read_as(kinds: Sequence[str]) -> Iterator[None]:
    """Inside the block pydantic makes validators that know these kinds of workload."""
    before = _read.set(kinds)
    try:
        yield
    finally:
        _read.reset(before)


class OfKind:
    """A value of which every kind of workload has a type of its own, told apart by `kind`.

    A direct subclass is a family, as `Options`; a type in it is a dataclass whose field `kind` has
    the kind's name as its only value. A family is read from JSON as the type that `kind` names.

    Attributes:
        known: of a family, its types that have been imported, by their kind.
    """

    kind: str
    known: ClassVar[dict[str, type[Any]]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if OfKind in cls.__bases__:
            cls.known = {}
        elif isinstance(name := vars(cls).get("kind"), str):
            cls.known[name] = cls

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """How pydantic reads it: a family as the one of its types that `kind` names."""
        types = tuple(cls.known[name] for name in _read.get() if name in cls.known)
        if OfKind not in cls.__bases__ or not types:
            return handler(source)
        from typing import Annotated, Union

        from pydantic import Field

        return handler.generate_schema(
            Annotated[Union[types], Field(discriminator="kind")]  # noqa: UP007
        )


@dataclass(frozen=True, kw_only=True)
class Options(OfKind, ABC):
    """What a kind of workload adds to a case: a frozen dataclass of its own.

    Attributes:
        building: of its type, "package.module:function" that builds a case in the worker; see
            `bench.worker.workload`.
    """

    building: ClassVar[str]

    @abstractmethod
    def sentence(self, case: Case) -> str:
        """The whole case in words, but for its variant."""

    def what(self, case: Case) -> str:
        """The workload by name, as "foolbox pgd"."""
        return f"{case.library} {case.attack}"

    def check(self) -> None:
        """Look whether there can be such a case; what a record says is not trusted.

        Raises:
            ValueError: there can't; with what is wrong.
        """

    def passing(self, case: Case) -> int:
        """How many inputs go through the model in one pass."""
        return case.batch

    def in_one_step(self) -> Options:
        """The same with an attack of one step; itself where it has no number of steps."""
        return self

    def identity(self, case: Case) -> dict[str, Any]:
        """What was asked, as JSON; its digest is the case's id, so it must never change."""
        return {**case.shared, "options": asdict(self)}

    def facts(self) -> dict[str, Any]:
        """Its plain values by name, as `--overrides` may ask of them."""
        return {name: getattr(self, name) for name in self.fact_names()}

    @classmethod
    def fact_names(cls) -> list[str]:
        """The names of these."""
        return [field.name for field in fields(cls) if field.name != "kind"]

    @classmethod
    def of(cls: type[T], case: Case) -> T:
        """A case's options, known to be of this kind."""
        if not isinstance(case.options, cls):
            raise TypeError(f"{case} has {type(case.options).__name__}, not {cls.__name__}")
        return case.options

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Options:
        """From what `dataclasses.asdict` made of it, and JSON of that."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in told.items()})


@dataclass(frozen=True, kw_only=True)
class Findings(OfKind, ABC):
    """What a kind's records hold beyond the common part, found out before timing."""

    def check(self) -> None:
        """Look whether what it says can be; what a record says is not trusted.

        Raises:
            ValueError: it can't; with what is wrong.
        """

    @property
    def parts(self) -> int | None:
        """How many parts the case has, of which each block measures one; None for an undivided
        one."""
        return None


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Attributes:
        library: an adapter's name, or "user" for a function given with --attack.
        attack: the workload's name in its library: most are attacks; or the user's
            FILE.py:FUNCTION.
        model: what it runs on, as --models or the kind's own option takes it.
        batch: number of inputs.
        dtype: name of the dtype of inputs and parameters.
        device: torch's name of the device.
        options: what its kind adds.
        weights: "random", "pretrained", "as built" of a user's model, or where they come from.
        library_version: filled in by the worker that ran it.
    """

    library: str
    attack: str
    model: str
    batch: int
    dtype: str
    device: str
    options: Options
    weights: str = "random"
    library_version: str | None = None

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return self.options.kind

    @property
    def shared(self) -> dict[str, Any]:
        """What all kinds have of it, as asked: without options, and whichever version answered."""
        return {
            "library": self.library,
            "attack": self.attack,
            "model": self.model,
            "batch": self.batch,
            "dtype": self.dtype,
            "device": self.device,
            "weights": self.weights,
            "library_version": None,
        }

    @property
    def id(self) -> str:
        """A short name for what was asked, whichever version of the library answered."""
        asked = json.dumps(self.options.identity(self), sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:12]

    @property
    def what(self) -> str:
        """The workload by name."""
        return self.options.what(self)

    @property
    def passing(self) -> int:
        """How many inputs go through the model in one pass."""
        return self.options.passing(self)

    def __str__(self) -> str:
        return self.options.sentence(self)

    def with_options(self, **changed: Any) -> Case:
        """The case with some of its kind's options changed."""
        return replace(self, options=replace(self.options, **changed))

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Case:
        """From what `dataclasses.asdict` made of it, and JSON of that.

        Raises:
            KeyError: nothing of its kind has been imported.
        """
        options = Options.known[told["options"]["kind"]].from_json(told["options"])
        return cls(**{**told, "options": options})


def question(case_id: str, variant: str, baseline: str = BASELINE) -> tuple[str, str]:
    """What makes two records answers to the same question."""
    return case_id, against(variant, baseline)


def against(variant: str, baseline: str) -> str:
    """A variant by name, with what it is held against where that is not the original."""
    return variant if baseline == BASELINE else f"{variant}{_OVER}{baseline}"


def baseline_of(told: str) -> str:
    """What a variant is held against that is called as by `against`."""
    return told.partition(_OVER)[2] or BASELINE


@dataclass(frozen=True)
class Comparison:
    """A case and the variant to hold against the baseline."""

    case: Case
    variant: str
    baseline: str = BASELINE

    @property
    def key(self) -> tuple[str, str]:
        """What makes two records answers to the same question."""
        return question(self.case.id, self.variant, self.baseline)

    def __str__(self) -> str:
        return f"{self.case}: {self.variant} against {self.baseline}"
