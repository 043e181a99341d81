"""The command that repeats a comparison. Pure."""

from __future__ import annotations

import shlex

from bench.cases import NO_ATTACK, Case
from bench.records.types import ComparisonRecord, Environment


def command(record: ComparisonRecord, environment: Environment) -> str:
    """The command that repeats one comparison, quoted for a shell."""
    case = record.case
    words: list[object] = ["python", "-m", "bench"]
    words += ["explain"] if case.training is None else ["--training", case.training]
    words += _attack_words(case)
    words += _text_words(case) if case.of_text else ["--models", case.model]
    words += ["--batch", case.batch]
    if not case.of_text:
        words += _image_words(case)
    words += ["--dtype", case.dtype, "--device", case.device, "--seed", environment.seed]
    return shlex.join(str(word) for word in [*words, "--variants", record.variant])


def _attack_words(case: Case) -> list[str]:
    if case.library == "user":
        return ["--attack", case.attack]
    if case.attack == NO_ATTACK:
        return []
    return ["--libs", case.library, "--attacks", case.attack]


def _text_words(case: Case) -> list[object]:
    words: list[object] = ["--victim", case.model, "--queries", case.queries or 0]
    words += [] if case.sentences == "shipped" else ["--sentences", case.sentences]
    return words + ([] if case.resources is None else ["--resources", case.resources])


def _image_words(case: Case) -> list[object]:
    if case.training is not None:
        words: list[object] = ["--data", case.images]
        words += [] if case.replays is None else ["--replays", case.replays]
    else:
        words = ["--image-size", case.input_shape[-1]]
        words += [] if case.images == "scikit-learn" else ["--images", case.images]
        words += [] if case.classes is None else ["--classes", case.classes]
        if (case.eps, case.step_size, case.random_start) == (None, None, None):
            words.append("--defaults")
    words += [] if case.steps is None else ["--steps", case.steps]
    if case.weights != "random":
        pretrained = case.weights == "pretrained"
        words += ["--pretrained"] if pretrained else ["--weights", case.weights]
    return words
