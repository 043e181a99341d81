"""Attacks on text: what can be asked of them, and the cases that makes. Imports no torch."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import registry
from adapters.base import AdapterError
from adapters.text import resources, sentences, victims
from adapters.text.base import TextAdapter
from adapters.text.sentences import SHIPPED
from bench.cases import A_A, FORWARD_ONLY, SEMI_BACKWARD, Case
from bench.errors import UsageError
from bench.kinds import numbers
from bench.kinds.base import Kind
from bench.kinds.group import ALL, Group
from bench.kinds.offering import attacks_of
from bench.kinds.request import Request, flag
from bench.kinds.text.findings import TextFindings
from bench.kinds.text.options import TextOptions


@dataclass(frozen=True, kw_only=True)
class TextGroup(Group):
    """A product of attacks on text: `models` are victims, and `batch` counts sentences.

    Attributes:
        queries: the most for a sentence; 0 for as many as an attack makes.
        sentences: "shipped", or the path of a file.
        resources: the path of the user's lexical resources.
    """

    queries: int = 0
    sentences: str = SHIPPED
    resources: str | None = None
    kind: str = "text"


class Text(Kind):
    """Attacks on sentences, against a victim that classifies them."""

    name = "text"
    subject = "text"
    options = TextOptions
    group = TextGroup
    findings = TextFindings
    own = ("victim", "sentences", "queries", "resources")
    hint = "attacks on text; add --libs openattack, or textattack"
    report = "reports.kinds.text.report:TextReport"

    def add_arguments(self, what: argparse._ArgumentGroup) -> None:
        what.add_argument(
            "--victim",
            nargs="+",
            metavar="SPEC",
            help="of text: bert-base or bert-tiny with random weights, of token sequences one of"
            " `list language-models`; of both a folder with a checkpoint, or the Hugging Face name"
            " of one in the local cache; nothing is downloaded",
        )
        what.add_argument(
            "--sentences", type=Path, metavar="FILE", help="of text: your own, one on each line"
        )
        what.add_argument(
            "--queries",
            type=numbers.from_zero,
            metavar="N",
            help="of text: the most an attack may ask for a sentence (0: as many as it likes)",
        )
        what.add_argument(
            "--resources",
            type=Path,
            metavar="DIR",
            help="of text: your WordNet, tagger and so on, laid out as OpenAttack's data; for"
            " what is not there a stand-in is used",
        )

    def meant(self, request: Request) -> bool:
        return self.meant_by_name(request)

    def suite(self, request: Request, device: str) -> str:
        return "text"

    def claims(self, table: Mapping[str, Any]) -> bool:
        return any(registry.subject(str(name)) == self.subject for name in table.get("libs", ()))

    def given(self, group: Group, request: Request) -> Group:
        victims_ = request.option("victim")
        found = super().given(group, request)
        return found if victims_ is None else dataclasses.replace(found, models=victims_)

    def check(self, request: Request, groups: Sequence[Group], suite: str) -> None:
        ours = self.of(groups)
        if ours:
            _check_options(request)
        for group in ours:
            assert isinstance(group, TextGroup)
            _check_files(group)

    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        assert isinstance(group, TextGroup)
        there = len(sentences.read(group.sentences))
        options = TextOptions(
            sentences=group.sentences,
            queries=group.queries or None,
            resources=group.resources,
        )
        for library in group.libs:
            attacks = attacks_of(library)
            wanted = attacks if ALL in group.attacks else group.attacks
            for attack, victim, count in itertools.product(wanted, group.models, group.batch):
                if attack in attacks:
                    yield Case(
                        library,
                        attack,
                        victim,
                        min(count, there),
                        group.dtype,
                        device,
                        options,
                        weights="random" if victim in victims.SEEDED else "checkpoint",
                    )

    def attacks_for(self, library: str, group: Group, groups: Sequence[Group]) -> tuple[str, ...]:
        """Of a library whose queries compute no gradient, the attacks that read one."""
        if _pays(library):
            return super().attacks_for(library, group, groups)
        offered = attacks_of(library).items()
        return tuple(name for name, info in offered if info.access == "white-box")

    def fitting(self, case: Case) -> tuple[str, ...]:
        """An attack can do without gradients that it does not read, where there are any."""
        reads = attacks_of(case.library)[case.attack].access == "white-box"
        return (A_A, SEMI_BACKWARD, *(() if reads and not _pays(case.library) else (FORWARD_ONLY,)))

    def usual(self, case: Case) -> tuple[str, ...]:
        return (SEMI_BACKWARD, FORWARD_ONLY) if _pays(case.library) else (SEMI_BACKWARD,)

    def files(self, request: Request) -> Iterable[Path]:
        """The sentences, and of folders of victims the files that lie in them."""
        own = request.option("sentences")
        found = [own] if own is not None else []
        for victim in request.option("victim") or ():
            found += sorted(path for path in Path(victim).glob("*") if path.is_file())
        return found

    def from_schema_1(self, case: dict[str, Any]) -> dict[str, Any] | None:
        if case.get("sentences") is None:
            return None
        for name in ("input_shape", "steps", "eps", "step_size", "random_start", "images"):
            case.pop(name, None)  # of images
        names = ("sentences", "queries", "resources")
        return {"kind": self.name, **{name: case.pop(name, None) for name in names}}

    def lift_findings(self, found: dict[str, Any]) -> None:
        """`text`, and `lines`, the line of the sentence that each block attacked."""
        text, lines = found.pop("text", None), found.pop("lines", None)
        if text is None:
            return
        found["findings"] = {**text, "kind": self.name}
        if lines:
            attacked = [s["line"] for s in text["sentences"] if s["status"] == "attacked"]
            found["parts"] = [attacked.index(line) for line in lines]


def _pays(library: str) -> bool:
    """Whether each of a library's queries computes a gradient, read or not."""
    adapter = registry.get(library)
    return not isinstance(adapter, TextAdapter) or adapter.pays_for_queries


def _check_options(request: Request) -> None:
    if request.models:
        raise UsageError("--models are of images; name what is attacked with --victim")
    for name, given in (
        ("attack", request.own),
        ("images", request.option("images")),
        ("image_size", request.option("image_size")),
        ("steps", request.option("steps")),
        ("defaults", request.option("defaults")),
        ("classes", request.option("classes")),
        ("weights", request.weights),
        ("pretrained", request.pretrained),
        ("training", request.option("training")),
        ("max_batch_search", request.max_batch_search),
    ):
        if given:
            raise UsageError(f"{flag(name)} is for attacks on images, not on text: leave it out")
    if request.command == "train":
        raise UsageError("train is for images: use run, or explain, for text")


def _check_files(group: TextGroup) -> None:
    try:
        sentences.read(group.sentences)
    except AdapterError as error:
        raise UsageError(str(error)) from error
    if group.resources is not None:
        folder = Path(group.resources)
        if not any((folder / entry).exists() for entry in resources.STAND_INS):
            raise UsageError(
                f"--resources {folder}: none of {', '.join(resources.STAND_INS)} is in it; name a"
                " folder laid out as OpenAttack's data"
            )
    for victim in group.models:
        if victim in victims.SEEDED or Path(victim).is_dir():
            continue
        if Path(victim).is_file() or victim.startswith((".", "/", "~")) or victim.count("/") > 1:
            raise UsageError(f"--victim {victim}: there is no such folder")
