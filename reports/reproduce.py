"""The command that repeats a comparison. Pure."""

from __future__ import annotations

from bench.cases import Case
from bench.record_types import ComparisonRecord, Environment


def command(record: ComparisonRecord, environment: Environment) -> str:
    """The command that repeats one comparison."""
    case = record.case
    own = case.library == "user"
    words = ["python -m bench explain"]
    words += [f"--attack {case.attack}"] if own else [f"--libs {case.library}"]
    words += [] if own else [f"--attacks {case.attack}"]
    words += _text_words(case) if case.of_text else [f"--models {case.model}"]
    words += [f"--batch {case.batch}"]
    if not case.of_text:
        words += _image_words(case)
    words += [f"--dtype {case.dtype}", f"--device {case.device}", f"--seed {environment.seed}"]
    return " ".join([*words, f"--variants {record.variant}"])


def _text_words(case: Case) -> list[str]:
    words = [f"--victim {case.model}", f"--queries {case.queries or 0}"]
    words += [] if case.sentences == "shipped" else [f"--sentences {case.sentences}"]
    return words + ([] if case.resources is None else [f"--resources {case.resources}"])


def _image_words(case: Case) -> list[str]:
    words = [f"--image-size {case.input_shape[-1]}"]
    if (case.eps, case.step_size, case.random_start) == (None, None, None):
        words.append("--defaults")
    words += [] if case.steps is None else [f"--steps {case.steps}"]
    words += [] if case.classes is None else [f"--classes {case.classes}"]
    words += [] if case.images == "scikit-learn" else [f"--images {case.images}"]
    if case.weights != "random":
        pretrained = case.weights == "pretrained"
        words.append("--pretrained" if pretrained else f"--weights {case.weights}")
    return words
