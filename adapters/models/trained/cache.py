"""Where trained networks are kept, and what their files say of them. Imports no torch.

A file is safetensors: the network's weights, with metadata that tell what it is and a digest of the
weights' bytes, so that one that was cut off or changed is known without loading it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from adapters.base import AdapterError
from adapters.data import Facts
from adapters.data import facts as facts_of_data
from adapters.models.trained import catalogue
from adapters.models.trained.recipes import Recipe
from semibackward_bench.grammar import counted

VARIABLE = "SEMIBACKWARD_BENCH_CACHE"
"""The environment's, for another folder."""
FOLDER = "networks"
SUFFIX = ".safetensors"
FACTS, BYTES = "network", "bytes"
"""Under which a file's metadata has what it is, and the digest of its weights' bytes."""
_LONGEST_HEADER = 100_000_000
"""Of the format, in bytes."""


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


def folder() -> Path:
    """Where networks are kept; it need not be there yet.

    Raises:
        AdapterError: no home directory is known.
    """
    if told := os.environ.get(VARIABLE):
        return Path(told) / FOLDER
    above = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not above.is_absolute():  # the standard: a relative one is to be ignored
        try:
            above = Path.home() / ".cache"
        except RuntimeError as error:
            raise AdapterError(
                f"there is no home directory to keep trained networks in; name a folder with"
                f" {VARIABLE}"
            ) from error
    return above / "semibackward-bench" / FOLDER


def path(
    network: str, data: str, classes: int, seed: int, *, adversarial: float | None = None
) -> Path:
    """The file of a network trained on some data; it need not be there yet.

    Args:
        network: its name in the catalogue.
        data: what it is trained on, as `adapters.data.facts` takes it.
        classes: of the network.
        seed: of its weights and the order of the images.
        adversarial: as `recipe` has it.

    Raises:
        AdapterError: there is no such network or data, or no home directory.
    """
    known = facts_of_data(data)
    name = digest(network, known, classes, seed, adversarial=adversarial)
    return folder() / f"{network}-{name}{SUFFIX}"


def recipe(network: str, data: Facts, *, adversarial: float | None = None) -> Recipe:
    """How a network is trained on some data.

    Args:
        network: its name in the catalogue.
        data: what it is trained on.
        adversarial: radius of the adversarial images it is trained on, 0 for clean ones; None for
            what the catalogue says.

    Raises:
        AdapterError: there is no such network.
    """
    found = catalogue.network(network).recipe(data)
    if adversarial is None:
        return found
    return replace(found, adversarial=adversarial, mixture=None)


def digest(
    network: str, data: Facts, classes: int, seed: int, *, adversarial: float | None = None
) -> str:
    """A short name for the weights that a training makes.

    Args:
        network: its name in the catalogue.
        data: what it is trained on.
        classes: of the network.
        seed: of its weights and the order of the images.
        adversarial: as `recipe` has it.

    Raises:
        AdapterError: there is no such network.
    """
    row = catalogue.network(network)
    shown = {} if row.side(data) == data.size else {"size": row.side(data)}
    built = json.dumps([network, row.made, dict(row.arguments) | shown], sort_keys=True)
    held = f"{data.name} of {data.images}"
    return recipe(network, data, adversarial=adversarial).digest(built, held, classes, seed)


def ready(file: Path) -> bool:
    """Whether it is there, whole, and of a network."""
    return fault(file) is None


def fault(file: Path) -> str | None:
    """Why a file can't be used, in a sentence that names it; None where it can.

    A file that is not there is told as such: it is the usual case, and no damage.
    """
    if not file.exists():
        return f"{file} is not there"
    try:
        metadata, body = _parts(file)
        if hashlib.sha256(body).hexdigest() != metadata[BYTES]:
            return f"{file} is damaged: its weights are not what was written"
        _trained(metadata)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{file} is damaged, or no trained network: {type(error).__name__}: {error}"
    return None


def facts(file: Path) -> Trained:
    """What a file says of its network.

    Raises:
        AdapterError: it can't be used.
    """
    wrong = fault(file)
    if wrong is not None:
        raise AdapterError(wrong)
    return _trained(_parts(file)[0])


def claimed(file: Path) -> Trained | None:
    """What a file says of its network; None of one that is none of ours, or can't be read.

    Its weights are not looked at.
    """
    try:
        return _trained(_parts(file)[0])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def told(trained: Trained, content: bytes) -> dict[str, str]:
    """The metadata of a file.

    Args:
        trained: what is known of its network.
        content: its weights alone, as safetensors.
    """
    body = content[_header(content)[1] :]
    return {FACTS: json.dumps(asdict(trained)), BYTES: hashlib.sha256(body).hexdigest()}


def write(file: Path, content: bytes) -> None:
    """Put a whole file in its place, whoever else writes it at the same time.

    Raises:
        AdapterError: it can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        written = file.with_name(f".{file.name}-{uuid.uuid4().hex}")
        try:
            written.write_bytes(content)
            written.replace(file)  # who reads it meanwhile sees the old file or the new one
        finally:
            written.unlink(missing_ok=True)
    except OSError as error:
        raise AdapterError(
            f"{file} can't be written: {error.strerror or error}; name another folder with"
            f" {VARIABLE}"
        ) from error


def _parts(file: Path) -> tuple[dict[str, str], bytes]:
    """Metadata and the weights' bytes.

    Raises:
        ValueError: it is no safetensors file, or one that was cut off.
    """
    content = file.read_bytes()
    metadata, start = _header(content)
    return metadata, content[start:]


def _header(content: bytes) -> tuple[dict[str, str], int]:
    """Metadata, and where the weights begin."""
    if len(content) < 8:
        raise ValueError(f"it has {counted(len(content), 'byte')}")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(_LONGEST_HEADER, len(content) - 8):
        raise ValueError("it is no safetensors file, or is cut off")
    header = json.loads(content[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("it is no safetensors file")
    return header.get("__metadata__") or {}, 8 + length


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
