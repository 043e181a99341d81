"""What is measured: a case, and the variants it is run in. Pure values, no torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

BASELINE = "original"
SEMI_BACKWARD = "semi-backward"
A_A = "a-a"
FORWARD_ONLY = "forward-only"
RIVAL = "rival"
"""What stands for the variant in a duel: the original again, of the other side's library."""

VARIANTS = {
    BASELINE: "the library as shipped, every parameter requires a gradient",
    SEMI_BACKWARD: "parameters frozen before the forward pass",
    FORWARD_ONLY: "the model in inference mode wherever no gradient is read: black-box attacks, and"
    " queries of text",
    A_A: "the original a second time, to see what noise alone looks like",
}

NO_ATTACK = "none"
"""What stands for the attack of a training without one, or with one that is part of its step."""

DTYPES = ("float32", "float64", "float16", "bfloat16")


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Attributes:
        library: an adapter's name, or "user" for a function given with --attack.
        attack: the attack's name in its adapter, or the user's FILE.py:FUNCTION.
        model: a timm model name, or one of ours; of text, the victim as --victim takes it.
        batch: number of images; of text, of sentences.
        input_shape: (channels, height, width) of an image; () of text.
        steps: of the attack; None where it has its own number: a user's function, an attack in one
            step, or the library's default.
        dtype: name of the dtype of images and parameters.
        device: torch's name of the device.
        eps: radius of the L-infinity ball, on images in [0, 1]; None where the attack takes none,
            or for the library's default. The same holds of the next two.
        step_size: length of a step, on the same scale.
        random_start: whether the attack starts at a random point of the ball.
        classes: number of classes of a model with random weights; None for the model's own.
        weights: "random", "pretrained", or the path of a file.
        images: "scikit-learn" for its photographs, or the path of a folder; for training "digits",
            or the path of the folder that CIFAR-10 is in; "" of text.
        training: method of `adapters.papers.methods`, one optimisation step of which is measured;
            library and attack are then those inside. None for the attack alone.
        replays: how often a method trains on a minibatch before the next; None for once.
        sentences: of text, where its sentences come from: "shipped", or the path of a file.
        queries: of text, how many queries an attack may make for a sentence; None for any number.
        resources: of text, the path of the user's lexical resources; None for stand-ins.
        library_version: filled in by the worker that ran it.
    """

    library: str
    attack: str
    model: str
    batch: int
    input_shape: tuple[int, ...]
    steps: int | None
    dtype: str
    device: str
    eps: float | None = 8 / 255
    step_size: float | None = 2 / 255
    random_start: bool | None = True
    weights: str = "random"
    images: str = "scikit-learn"
    classes: int | None = None
    training: str | None = None
    replays: int | None = None
    sentences: str | None = None
    queries: int | None = None
    resources: str | None = None
    library_version: str | None = None

    @property
    def id(self) -> str:
        """A short name for what was asked, whichever version of the library answered."""
        asked = asdict(replace(self, library_version=None))
        for later in ("classes", "training", "replays", "sentences", "queries", "resources"):
            if asked[later] is None:
                del asked[later]  # the name of what was measured before it was there stays
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        if self.of_text:
            budget = "" if self.queries is None else f" of at most {self.queries} queries"
            return (
                f"{self.what} on {self.model}, {self.batch} sentences{budget}, {self.dtype},"
                f" {self.device}"
            )
        size = "x".join(str(length) for length in self.input_shape)
        steps = "" if self.steps is None else f", {self.steps} steps"
        return (
            f"{self.what} on {self.model}, {self.batch} images of {size}{steps},"
            f" {self.dtype}, {self.device}"
        )

    @property
    def of_text(self) -> bool:
        """Whether sentences are attacked, not images."""
        return self.sentences is not None

    @property
    def what(self) -> str:
        """The attack, or the training and the attack inside it."""
        attack = f"{self.library} {self.attack}"
        if self.training is None:
            return attack
        inside = "" if self.attack == NO_ATTACK else f" with {attack}"
        return f"{self.training} training{inside}"


@dataclass(frozen=True)
class Comparison:
    """A case and the variant to hold against the baseline."""

    case: Case
    variant: str

    @property
    def must_agree(self) -> bool:
        """Whether both must make the same, or no speedup is told; two libraries may differ."""
        return self.variant != RIVAL

    def __str__(self) -> str:
        return f"{self.case}: {self.variant} against {BASELINE}"
