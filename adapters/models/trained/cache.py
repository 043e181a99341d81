"""Where trained networks are kept, and what their files say of them. Imports no torch.

A file is safetensors: the network's weights, with metadata that tell what it is and a digest of the
weights' bytes, so that one that was cut off or changed is known without loading it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from adapters.base import AdapterError
from adapters.data import Facts
from adapters.data import facts as facts_of_data
from adapters.models.trained import catalogue, files
from adapters.models.trained.recipes import METHODS, Recipe

FACTS = "network"
"""Under which a file's metadata has what it is."""


@dataclass(frozen=True)
class Trained:
    """What is known of a trained network.

    Attributes:
        network: its name in the catalogue.
        data: what it was trained on, by its name.
        classes: of the data.
        seed: of its weights and the order of the images.
        recipe: digest of how.
        accuracy: share of the test images that are classified rightly, as they are.
        share: mean share of the static network's operations that test images cost; None of a
            network that executes everything.
        spread: standard deviation of that share over test images; None with it.
        seconds: of the training, by the wall.
    """

    network: str
    data: str
    classes: int
    seed: int
    recipe: str
    accuracy: float
    share: float | None
    spread: float | None
    seconds: float


def path(
    network: str,
    data: str,
    classes: int,
    seed: int,
    *,
    adversarial: float | None = None,
    method: str | None = None,
) -> Path:
    """The file of a network trained on some data; it need not be there yet.

    Args:
        network: its name in the catalogue.
        data: what it is trained on, as `adapters.data.facts` takes it.
        classes: of the network.
        seed: of its weights and the order of the images.
        adversarial, method: as `recipe` has them.

    Raises:
        AdapterError: there is no such network, data or method, or no home directory.
    """
    known = facts_of_data(data)
    name = digest(network, known, classes, seed, adversarial=adversarial, method=method)
    return files.folder() / f"{network}-{name}{files.SUFFIX}"


def recipe(
    network: str, data: Facts, *, adversarial: float | None = None, method: str | None = None
) -> Recipe:
    """How a network is trained on some data.

    Args:
        network: its name in the catalogue.
        data: what it is trained on.
        adversarial: radius of the adversarial images it is trained on, 0 for clean ones; None for
            what the catalogue says.
        method: that it is trained by, one of `adapters.models.trained.recipes.METHODS`; None for
            what the catalogue says. Its ball has the catalogue's radius, or else the data's.

    Raises:
        AdapterError: there is no such network or method.
    """
    found = catalogue.network(network).recipe(data)
    if adversarial is not None:
        found = replace(found, adversarial=adversarial, mixture=None)
    if method is None:
        return found
    try:
        return found.by(method, data.eps)
    except ValueError as error:
        raise AdapterError(
            f"there is no method {method!r} to train {network} by; there are {', '.join(METHODS)}"
        ) from error


def digest(
    network: str,
    data: Facts,
    classes: int,
    seed: int,
    *,
    adversarial: float | None = None,
    method: str | None = None,
) -> str:
    """A short name for the weights that a training makes.

    Args:
        network: its name in the catalogue.
        data: what it is trained on.
        classes: of the network.
        seed: of its weights and the order of the images.
        adversarial, method: as `recipe` has them.

    Raises:
        AdapterError: there is no such network or method.
    """
    row = catalogue.network(network)
    shown = {} if row.side(data) == data.size else {"size": row.side(data)}
    built = json.dumps([network, row.made, dict(row.arguments) | shown], sort_keys=True)
    held = f"{data.name} of {data.images}"
    found = recipe(network, data, adversarial=adversarial, method=method)
    return found.digest(built, held, classes, seed)


def ready(file: Path) -> bool:
    """Whether it is there, whole, and of a network."""
    return fault(file) is None


def fault(file: Path) -> str | None:
    """Why a file can't be used, in a sentence that names it; None where it can.

    A file that is not there is told as such: it is the usual case, and no damage.
    """
    return files.fault(file, "trained network", _trained)


def facts(file: Path) -> Trained:
    """What a file says of its network.

    Raises:
        AdapterError: it can't be used.
    """
    wrong = fault(file)
    if wrong is not None:
        raise AdapterError(wrong)
    return _trained(files.parts(file)[0])


def claimed(file: Path) -> Trained | None:
    """What a file says of its network; None of one that is none of ours, or can't be read.

    Its weights are not looked at.
    """
    try:
        return _trained(files.parts(file)[0])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def told(trained: Trained, content: bytes) -> dict[str, str]:
    """The metadata of a file.

    Args:
        trained: what is known of its network.
        content: its weights alone, as safetensors.
    """
    return files.metadata(FACTS, asdict(trained), content)


def _trained(metadata: dict[str, str]) -> Trained:
    """Raises:
    ValueError: a value is of another type, or no number.
    TypeError: one is missing, or unknown.
    """
    found = Trained(**json.loads(metadata[FACTS]))
    for name, value in asdict(found).items():
        if value is None and name in _UNKNOWN:
            continue
        if isinstance(getattr(_TYPICAL, name), float):
            sound = isinstance(value, int | float) and math.isfinite(value)
        else:
            sound = isinstance(value, type(getattr(_TYPICAL, name)))
        if not sound:
            raise ValueError(f"its {name} is {value!r}")
    return found


_UNKNOWN = ("share", "spread")
"""What may be None."""
_TYPICAL = Trained("", "", 0, 0, "", 0.0, 0.0, 0.0, 0.0)
"""Of each attribute's type."""
