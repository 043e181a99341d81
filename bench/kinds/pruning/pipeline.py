"""A network's way from trained to sparse: what is asked of the worker, one stage after the other.
Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from adapters.papers.mad.methods import SCORING
from bench.cases import Case
from bench.errors import Ended
from bench.kinds.command import Session, reason
from bench.kinds.pruning.findings import (
    CLEAN,
    DENSE,
    PRUNED,
    SCORED,
    JudgedBy,
    KeptLayer,
    PrunedRecord,
    ScoredLayer,
    ScoredRecord,
)
from semibackward_bench.grammar import counted

BUILDING = "bench.kinds.pruning.building"


@dataclass(frozen=True)
class Asked:
    """How networks are pruned and judged.

    Attributes:
        criteria: by which weights go.
        batches: that the saliency is averaged over; None for all of the data.
        method: of fine-tuning.
        epochs: of it.
        rate: its learning rate, before it falls.
        attacks: to judge by.
        images: test images that are attacked.
    """

    criteria: tuple[str, ...]
    batches: int | None
    method: str
    epochs: int
    rate: float
    attacks: tuple[str, ...]
    images: int


@dataclass(frozen=True)
class Pipeline:
    """Prunes networks, and appends a record for each stage that is done.

    Attributes:
        session: what to work with.
        folder: where networks go, and what leads to them.
    """

    session: Session
    folder: Path

    def run(
        self,
        case: Case,
        seed: int,
        variants: Iterable[str],
        percents: Sequence[float],
        asked: Asked,
    ) -> None:
        """Prune one network by each criterion at each share, in some variants.

        Args:
            case: its whole scoring, which it is known by.
            seed: of the network and of what is drawn.
            variants: to go through all of it in.
            percents: shares of the weights that go.
            asked: how.
        """
        for variant in variants:
            self.session.fresh()  # so that each begins in a fresh process
            way = Way(self.session, self.folder, case, variant, seed, asked)
            way.judge_dense()
            scored = None
            if any(criterion in SCORING for criterion in asked.criteria):
                scored = way.score()
            for criterion in asked.criteria:
                for percent in percents:
                    way.prune(criterion, percent, scored)


@dataclass(frozen=True)
class Way:
    """One network's, in one variant.

    Attributes:
        session, folder: as `Pipeline` has them.
        case: as `Pipeline.run` has it.
        variant: with or without the trick.
        seed: of the network and of what is drawn.
        asked: how it is pruned and judged.
    """

    session: Session
    folder: Path
    case: Case
    variant: str
    seed: int
    asked: Asked

    def judge_dense(self) -> None:
        """The network as it is, beside those that are pruned."""
        question = self._question(DENSE, 0.0)
        if self._known(question):
            return
        self._task("the dense network")
        try:
            self._write(replace(question, status="ok", **self._judged("")))
        except Ended as ended:
            self._failed(question, ended)

    def score(self) -> ScoredRecord:
        """The saliency of its weights; its file is there where that is done."""
        question = ScoredRecord(
            case_id=self.case.id,
            case=self.case,
            variant=self.variant,
            status="failed",
            seed=self.session.request.seed,
            network_seed=self.seed,
            batches=self.asked.batches or 0,
        )
        self._task("its saliency")
        request = {
            **self._shared,
            "batches": self.asked.batches,
            "file": str(self._file("saliency")),
        }
        try:
            for answer in self._steps("scoring", request):
                self._step(f"batch {answer['batch']} of {answer['batches']}")
        except Ended as ended:
            found: ScoredRecord = self._failed(question, ended)
            return found
        result = dict(answer["result"])
        layers = [ScoredLayer(**_tuples(one)) for one in result.pop("layers")]
        found = replace(question, status="ok", layers=layers, **result)
        if found.key not in self.session.done(SCORED):
            self._write(found)
        return found

    def prune(self, criterion: str, percent: float, scored: ScoredRecord | None) -> None:
        """Prune it, train it on, and judge it."""
        question = self._question(criterion, percent)
        if self._known(question):
            return
        self._task(f"{100 * percent:g} % pruned by {criterion}")
        read = criterion in SCORING
        if read and (scored is None or scored.status != "ok"):
            why = None if scored is None else scored.reason
            told = f"its saliency is not there: {why}"
            self._write(replace(question, status="unsupported", reason=told))
            return
        file = self._file(f"{criterion}-{percent:g}-{self.asked.epochs}")
        request = {
            **self._shared,
            "criterion": criterion,
            "percent": percent,
            "method": self.asked.method,
            "epochs": self.asked.epochs,
            "rate": self.asked.rate,
            "scores": str(self._file("saliency")) if read else "",
            "file": str(file),
        }
        try:
            for answer in self._steps("tuning", request):
                of = f"epoch {answer['epoch']} of {self.asked.epochs}"
                self._step(f"{of}: loss {answer['loss']:.3f}")
            result = dict(answer["result"])
            judged = self._judged(str(file))
        except Ended as ended:
            self._failed(question, ended)
            return
        layers = [KeptLayer(**one) for one in result.pop("layers")]
        seconds = {**result.pop("seconds"), **judged.pop("seconds")}
        judged.pop("weights")
        batches = scored.batches if read and scored is not None else 0
        done = replace(question, status="ok", layers=layers, seconds=seconds, batches=batches)
        self._write(replace(done, file=file.name, **result, **judged))

    @property
    def _shared(self) -> dict[str, Any]:
        return {"case": asdict(self.case), "variant": self.variant, "seed": self.seed}

    def _question(self, criterion: str, percent: float) -> PrunedRecord:
        """A record that has no answer yet."""
        return PrunedRecord(
            case_id=self.case.id,
            case=self.case,
            variant=self.variant,
            status="failed",
            seed=self.session.request.seed,
            network_seed=self.seed,
            criterion=criterion,
            percent=percent,
            epochs=0 if criterion == DENSE else self.asked.epochs,
            training=self.asked.method,
        )

    def _judged(self, file: str) -> dict[str, Any]:
        """Fields of a `PrunedRecord`, by all attacks.

        Raises:
            Ended: it can't be judged.
        """
        judged, weights, spent = [], "", 0.0
        for attack in (CLEAN, *self.asked.attacks):
            request = {
                **self._shared,
                "file": file,
                "attack": attack,
                "images": self.asked.images,
            }
            answer = self._ask("judging", request)
            judged.append(JudgedBy(**answer["judged"]))
            weights, spent = answer["weights"], spent + answer["seconds"]
            self._step(f"{attack}: {_share(judged[-1])}")
        return {"judged": judged, "weights": weights, "seconds": {"evaluation": round(spent, 3)}}

    def _steps(self, where: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Answers of a server, until it is done.

        Raises:
            Ended: it can't go on.
        """
        done = False
        while not done:
            answer = self._ask(where, request)
            done = answer["done"]
            yield answer

    def _ask(self, where: str, request: dict[str, Any]) -> dict[str, Any]:
        asked = {"do": "own", "server": f"{BUILDING}.{where}:Server", "request": request}
        return self.session.ask(self.case.library, asked)

    def _file(self, what: str) -> Path:
        name = f"{self.case.id}-{self.variant}-seed{self.seed}-{what}.safetensors"
        return (self.folder / name).resolve()

    def _known(self, question: PrunedRecord) -> bool:
        return question.key in self.session.done(PRUNED)

    def _task(self, what: str) -> None:
        self.session.progress.note(f"{self.case.model}, seed {self.seed}, {self.variant}: {what}")

    def _step(self, text: str) -> None:
        self.session.progress.step(text)

    def _write(self, record: ScoredRecord | PrunedRecord) -> None:
        self.session.write(record)
        self.session.progress.note(f"  {_outcome(record)}")

    def _failed(self, question: Any, ended: Ended) -> Any:
        """The record of what came to nothing, written."""
        why = reason(self.session, ended)
        found = replace(question, status=ended.status, reason=why)
        self._write(found)
        self.session.fresh()
        return found


def _tuples(layer: dict[str, Any]) -> dict[str, Any]:
    return {**layer, "quantiles": tuple(layer["quantiles"])}


def _share(judged: JudgedBy) -> str:
    return f"{100 * judged.right / judged.images:.1f} % right"


def _outcome(record: ScoredRecord | PrunedRecord) -> str:
    if record.status != "ok":
        return f"{record.status}: {record.reason}"
    spent = f"{sum(record.seconds.values()):.0f} s"
    if isinstance(record, ScoredRecord):
        layers = counted(len(record.layers), "layer")
        return f"{layers}, {counted(record.batches, 'batch', 'batches')}; {spent}"
    told = ", ".join(
        f"{'clean' if one.attack == CLEAN else one.attack} {100 * one.right / one.images:.0f} %"
        for one in record.judged
    )
    gone = "" if record.sparsity is None else f"{100 * record.sparsity:.1f} % of weights gone; "
    return f"{gone}{told}; {spent}"
