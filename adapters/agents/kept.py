"""The files of agents: where trained ones are kept, and what each says of itself. Imports no torch.

A file is safetensors, with metadata that tell what it is and a digest of its tensors' bytes, so
that one that was cut off or changed is known without loading it.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from adapters.agents.recipes import recipe
from adapters.base import AdapterError
from adapters.models.trained import cache

SUFFIX = ".safetensors"
FACTS, BYTES = "agent", "bytes"
"""Under which a file's metadata has what it is, and the digest of its tensors' bytes."""
_LONGEST_HEADER = 100_000_000
"""Of the format, in bytes."""


@dataclass(frozen=True)
class Agent:
    """What is known of an agent, whose training may be under way.

    Attributes:
        environment: that it acts in, by its name.
        actions: how many there are.
        seed: of its weights, of the episodes, and of whatever else is drawn.
        recipe: digest of how it is trained.
        steps: that it was trained for.
        rewards: of the last episodes that it finished while it was trained.
        seconds: of the training, by the wall.
    """

    environment: str
    actions: int
    seed: int
    recipe: str
    steps: int = 0
    rewards: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def who(self) -> str:
        """In words."""
        return f"an agent for {self.environment}, seed {self.seed}, recipe {self.recipe}"

    @property
    def reward(self) -> float | None:
        """The mean of the last episodes; None before one."""
        return sum(self.rewards) / len(self.rewards) if self.rewards else None


def path(environment: str, seed: int) -> Path:
    """The file of an agent; it need not be there yet.

    Raises:
        AdapterError: no home directory is known.
    """
    safe = re.sub(r"[^\w.-]+", "-", environment)
    digest = recipe(environment).digest(environment, seed)
    return cache.folder() / f"agent-{safe}-{digest}{SUFFIX}"


def ready(file: Path) -> bool:
    """Whether it is there, whole, and of an agent."""
    return fault(file) is None


def fault(file: Path) -> str | None:
    """Why a file can't be used, in a sentence that names it; None where it can.

    A file that is not there is told as such: it is the usual case, and no damage.
    """
    if not file.exists():
        return f"{file} is not there"
    try:
        metadata, body = _parts(file)
        _agent(metadata)
        if hashlib.sha256(body).hexdigest() != metadata[BYTES]:
            return f"{file} is damaged: its weights are not what was written"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{file} is damaged, or no agent: {type(error).__name__}: {error}"
    return None


def facts(file: Path) -> Agent:
    """What a file says of its agent.

    Raises:
        AdapterError: it can't be used.
    """
    wrong = fault(file)
    if wrong is not None:
        raise AdapterError(wrong)
    return _agent(_parts(file)[0])


def told(agent: Agent, content: bytes) -> dict[str, str]:
    """The metadata of a file.

    Args:
        agent: what is known of it.
        content: its tensors alone, as safetensors.
    """
    body = content[_header(content)[1] :]
    return {FACTS: json.dumps(asdict(agent)), BYTES: hashlib.sha256(body).hexdigest()}


def _parts(file: Path) -> tuple[dict[str, str], bytes]:
    """Metadata and the tensors' bytes.

    Raises:
        ValueError: it is no safetensors file, or one that was cut off.
    """
    content = file.read_bytes()
    metadata, start = _header(content)
    return metadata, content[start:]


def _header(content: bytes) -> tuple[dict[str, str], int]:
    """Metadata, and where the tensors begin."""
    length = struct.unpack("<Q", content[:8])[0] if len(content) >= 8 else None
    if length is None or length > min(_LONGEST_HEADER, len(content) - 8):
        raise ValueError("it is no safetensors file, or is cut off")
    header = json.loads(content[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("it is no safetensors file")
    return header.get("__metadata__") or {}, 8 + length


def _agent(metadata: dict[str, Any]) -> Agent:
    """Raises:
    ValueError: a value is of another type.
    TypeError: one is missing, or unknown.
    """
    found = Agent(**json.loads(metadata[FACTS]))
    for name, kind in get_type_hints(Agent).items():
        value = getattr(found, name)
        if kind in (str, int, float) and not isinstance(
            value, (int, float) if kind is float else kind
        ):
            raise ValueError(f"its {name} is {value!r}")
    if not all(isinstance(reward, int | float) for reward in found.rewards):
        raise ValueError(f"its rewards are {found.rewards!r}")
    return found
