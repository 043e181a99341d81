"""Adversarial Robustness Toolbox: numpy in, numpy out, gradients by `loss.backward()`.

The standard library's `multiprocessing` stands in for `multiprocess`, which AutoAttack imports and
does not use. Names that NumPy 2 dropped are back while an attack that needs one runs.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import itertools
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.base import Adapter, AttackInfo, Settings
from adapters.libraries.declared.art import ATTACKS, BATCH, IMAGE_SHAPE, LEFT_OUT, REQUIRED

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from adapters.base import AttackFunction

    Array = NDArray[Any]
    Generate = Callable[[Any, Array, Array], Array]


class Art(Adapter):
    """PGD does `steps` forward and backward passes, and two forward passes more, one on the clean
    and one on the adversarial images, for a success rate that it logs. Images cross from torch to
    numpy and back once; a user of ART pays for that too. Labels are given as class numbers."""

    name = "art"
    distribution = "adversarial-robustness-toolbox"
    dtypes = frozenset({"float32"})  # ART casts every array to its ART_NUMPY_DTYPE
    devices = frozenset({"cpu", "cuda"})
    left_out = LEFT_OUT

    def attacks(self) -> Mapping[str, AttackInfo]:
        return ATTACKS

    def import_library(self) -> None:
        if importlib.util.find_spec("multiprocess") is None:
            sys.modules["multiprocess"] = multiprocessing
        import art.attacks.evasion
        import art.estimators.classification  # noqa: F401

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import torch

        classifier = _classifier(attack, model, settings)
        make = functools.partial(
            _MENDED.get(attack, _library_class)(ATTACKS[attack].source),
            classifier,
            **_keywords(attack, settings),
        )
        attacker = make()
        generate = _GENERATE.get(attack, _generate)

        def run(images: Tensor, labels: Tensor) -> Tensor:
            # These remember what the last run found, and would start from there.
            current = make() if attack in _STATEFUL else attacker
            adversarial = generate(current, images.cpu().numpy(), labels.cpu().numpy())
            return torch.from_numpy(adversarial).to(images)

        return run


_STATEFUL = frozenset({"adversarial-patch", "adversarial-patch-numpy", "composite", "spatial"})
_PROBABILITIES = frozenset({"simba", "simba-pixel"})
# With NumPy 2 these calculate in doubles, once an image fools the model.
_DOUBLES = frozenset({"boundary", "hopskipjump", "hopskipjump-linf", "laser-beam"})


def _keywords(attack: str, settings: Settings) -> dict[str, Any]:
    stand_ins: dict[object, object] = {
        BATCH: settings.batch,
        IMAGE_SHAPE: settings.input_shape
        if attack == "adversarial-patch"
        else settings.input_shape[:0:-1],
    }
    given = {**REQUIRED.get(attack, {}), **ATTACKS[attack].keywords(settings)}
    found = {
        name: stand_ins[value] if value in (BATCH, IMAGE_SHAPE) else value
        for name, value in given.items()
    }
    if attack == "jsma" and settings.steps is not None:
        channels, height, width = settings.input_shape
        found["gamma"] = min(1.0, 2 * settings.steps / (channels * height * width))
    return found


def _classifier(attack: str, model: nn.Module, settings: Settings) -> Any:
    """The model as `attack` wants it, in a shell where ART hands it something else."""
    import torch
    from art.estimators.classification import PyTorchClassifier

    laser = attack == "laser-beam"

    class Shell(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: Tensor) -> Any:
            images = images.permute(0, 3, 1, 2) if laser else images
            return self.model(images.float())

    channels, height, width = settings.input_shape
    if attack in _DOUBLES:
        shell: nn.Module = Shell()
    elif attack in _PROBABILITIES:
        shell = torch.nn.Sequential(model, torch.nn.Softmax(dim=1))
    else:
        shell = model
    return PyTorchClassifier(
        shell,
        loss=torch.nn.CrossEntropyLoss(),
        input_shape=(height, width, channels) if laser else settings.input_shape,
        nb_classes=settings.classes,
        clip_values=(0.0, 1.0),
        channels_first=not laser,
        # ART means torch's current CUDA device by "gpu".
        device_type="gpu" if settings.device.startswith("cuda") else "cpu",
    )


def _library_class(source: str) -> Any:
    module, _, name = source.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _autoattack(source: str) -> Any:
    def make(classifier: Any, steps: int | None = None, **keywords: Any) -> Any:
        made = _library_class(source)(classifier, **keywords)
        for inner in made.attacks:
            with contextlib.suppress(AttributeError):
                inner.verbose = False
            if steps is not None:
                inner.max_iter = steps
                for restarts in ("nb_random_init", "nb_restarts"):
                    if hasattr(inner, restarts):
                        setattr(inner, restarts, 1)
        return made

    return make


def _patch_numpy(source: str) -> Any:
    """With NumPy 2 the value of a fresh patch is no `float` any more, which ART asks for."""

    class Mended(_library_class(source)):  # type: ignore[misc]
        def reset_patch(self, initial_patch_value: Any) -> None:
            super().reset_patch(float(initial_patch_value))

    return Mended


def _brendel_bethge(source: str) -> Any:
    """ART stops with an error if no noise fools the model; a growing step along the gradient does
    more often."""

    def make(classifier: Any, **keywords: Any) -> Any:
        from art.attacks.evasion import FastGradientMethod

        made = _library_class(source)(classifier, **keywords)
        made.start = FastGradientMethod(classifier, eps=1.0, minimal=True)
        return made

    return make


def _geoda(source: str) -> Any:
    """ART draws noise until some fools the model, for ever if none does. Here, a hundred times."""

    class Bounded(_library_class(source)):  # type: ignore[misc]
        def _find_random_adversarial(self, x: Array, y: Array) -> Any:
            drawn = itertools.count()
            asked = super()._is_adversarial
            self.__dict__["_is_adversarial"] = lambda image, label: (
                asked(image, label) or next(drawn) >= 100
            )
            try:
                return super()._find_random_adversarial(x, y)
            finally:
                del self.__dict__["_is_adversarial"]

    return Bounded


def _generate(attacker: Any, images: Array, labels: Array) -> Array:
    found: Array = attacker.generate(images, labels)
    return found


def _targets(attacker: Any, labels: Array) -> Array:
    found: Array = (labels + 1) % attacker.estimator.nb_classes
    return found


def _one_hot(attacker: Any, labels: Array) -> Array:
    import numpy

    found: Array = numpy.eye(attacker.estimator.nb_classes, dtype="float32")[labels]
    return found


def _targeted(attacker: Any, images: Array, labels: Array) -> Array:
    return _generate(attacker, images, _targets(attacker, labels))


def _targeted_one_hot(attacker: Any, images: Array, labels: Array) -> Array:
    return _generate(attacker, images, _one_hot(attacker, _targets(attacker, labels)))


def _simba(attacker: Any, images: Array, labels: Array) -> Array:
    # It writes into the images it is given.
    return _generate(attacker, images.copy(), _one_hot(attacker, labels))


def _patch(attacker: Any, images: Array, labels: Array) -> Array:
    attacker.generate(images, _targets(attacker, labels))
    patched: Array = attacker.apply_patch(images, scale=0.5)
    return patched


def _shadow(attacker: Any, images: Array, labels: Array) -> Array:
    """One image at a time, as it takes no more; without a label, which it would read as a target
    from then on."""
    import numpy

    return numpy.concatenate([attacker.generate(image[None]) for image in images])


def _laser(attacker: Any, images: Array, labels: Array) -> Array:
    import numpy

    with _numpy_with(asfarray=functools.partial(numpy.asarray, dtype=float)):
        found: Any = _generate(attacker, images.transpose(0, 2, 3, 1), labels)
    transposed: Array = found.transpose(0, 3, 1, 2)
    return transposed


def _features(attacker: Any, images: Array, labels: Array) -> Array:
    """Towards what the last layer makes of the mirrored images.

    ART leaves a hook on the layer that it looks at; it is taken away again."""
    classifier = attacker.estimator
    name = classifier.layer_names[-1]
    # By name, since ART hooks a layer once more on every pass if it is given by number.
    attacker.layer = (name,)
    layer = dict(classifier.model.named_modules())[name]
    hooks = dict(layer._forward_hooks)
    try:
        return _generate(attacker, images, images[..., ::-1].copy())
    finally:
        layer._forward_hooks.clear()
        layer._forward_hooks.update(hooks)
        classifier._features.clear()


def _blackbox_graphite(attacker: Any, images: Array, labels: Array) -> Array:
    found: Array = attacker.generate(images, _targets(attacker, labels), x_tar=images[::-1])
    return found


def _from_fgsm(attacker: Any, images: Array, labels: Array) -> Array:
    start = attacker.start.generate(images, labels)
    found: Array = attacker.generate(images, labels, starting_points=start)
    return found


@contextlib.contextmanager
def _numpy_with(**names: Any) -> Iterator[None]:
    """NumPy with these names, and after that as it was."""
    import numpy

    before = {name: vars(numpy)[name] for name in names if name in vars(numpy)}
    vars(numpy).update(names)
    try:
        yield
    finally:
        for name in names:
            del vars(numpy)[name]
        vars(numpy).update(before)


def _repeatable(attacker: Any, images: Array, labels: Array) -> Array:
    """ART makes a generator without a seed; here it takes one from NumPy's global generator."""
    import numpy

    make = numpy.random.RandomState

    def seeded(seed: int | None = None) -> Any:
        return make(numpy.random.randint(2**31 - 1) if seed is None else seed)

    setattr(numpy.random, "RandomState", seeded)  # noqa: B010 - mypy won't have a class replaced
    try:
        return _generate(attacker, images, labels)
    finally:
        setattr(numpy.random, "RandomState", make)  # noqa: B010


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="art-geoda-")


def _elsewhere(attacker: Any, images: Array, labels: Array) -> Array:
    """GeoDA keeps a file in the current directory, for the next time."""
    import numpy

    here = Path.cwd()
    os.chdir(_scratch().name)
    try:
        with _numpy_with(mat=numpy.asmatrix):
            return _generate(attacker, images, labels)
    finally:
        os.chdir(here)


_MENDED: Mapping[str, Callable[[str], Any]] = {
    "adversarial-patch-numpy": _patch_numpy,
    "brendel-bethge": _brendel_bethge,
    **dict.fromkeys(("autoattack", "autoattack-l1", "autoattack-l2"), _autoattack),
    **dict.fromkeys(("geoda", "geoda-linf"), _geoda),
}

_GENERATE: Mapping[str, Generate] = {
    "adversarial-patch": _patch,
    "adversarial-patch-numpy": _patch,
    "boundary": _repeatable,
    "brendel-bethge": _from_fgsm,
    "feature-adversaries": _features,
    **dict.fromkeys(("geoda", "geoda-linf"), _elsewhere),
    "graphite": _targeted,
    "graphite-blackbox": _blackbox_graphite,
    **dict.fromkeys(("hopskipjump", "hopskipjump-linf"), _repeatable),
    "jsma": _targeted,
    "laser-beam": _laser,
    "shadow": _shadow,
    **dict.fromkeys(("simba", "simba-pixel"), _simba),
    **dict.fromkeys(("targeted-universal", "targeted-universal-l2"), _targeted_one_hot),
}
