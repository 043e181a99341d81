"""How ART's attacks are called, those too that are not called with images and labels alone.

Names that NumPy 2 dropped are back while an attack that needs one runs.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Generate = Callable[[Any, Array, Array], Array]


def of(member: str) -> Generate:
    """How an attack is called, by ART's name of its class.

    Returns:
        from the attack, images (N, C, H, W) and labels (N,) to adversarial images (N, C, H, W).
    """
    return _GENERATE.get(member, _generate)


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


_GENERATE: Mapping[str, Generate] = {
    "AdversarialPatchNumpy": _patch,
    "AdversarialPatchPyTorch": _patch,
    "BoundaryAttack": _repeatable,
    "BrendelBethgeAttack": _from_fgsm,
    "FeatureAdversariesPyTorch": _features,
    "GRAPHITEBlackbox": _blackbox_graphite,
    "GRAPHITEWhiteboxPyTorch": _targeted,
    "GeoDA": _elsewhere,
    "HopSkipJump": _repeatable,
    "LaserBeamAttack": _laser,
    "SaliencyMapMethod": _targeted,
    "ShadowAttack": _shadow,
    "SimBA": _simba,
    "TargetedUniversalPerturbation": _targeted_one_hot,
}
