"""The files of agents: where trained ones are kept, and what each says of itself. Imports no torch.

A file is safetensors, with metadata that tell what it is and a digest of its tensors' bytes, so
that one that was cut off or changed is known without loading it.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from adapters.agents.recipes import recipe
from adapters.base import AdapterError
from adapters.models.trained import files

FACTS = "agent"
"""Under which a file's metadata has what it is."""


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
    return files.folder() / f"agent-{safe}-{digest}{files.SUFFIX}"


def ready(file: Path) -> bool:
    """Whether it is there, whole, and of an agent."""
    return fault(file) is None


def fault(file: Path) -> str | None:
    """Why a file can't be used, in a sentence that names it; None where it can.

    A file that is not there is told as such: it is the usual case, and no damage.
    """
    return files.fault(file, "agent", _agent)


def facts(file: Path) -> Agent:
    """What a file says of its agent.

    Raises:
        AdapterError: it can't be used.
    """
    wrong = fault(file)
    if wrong is not None:
        raise AdapterError(wrong)
    return _agent(files.parts(file)[0])


def told(agent: Agent, content: bytes) -> dict[str, str]:
    """The metadata of a file.

    Args:
        agent: what is known of it.
        content: its tensors alone, as safetensors.
    """
    return files.metadata(FACTS, asdict(agent), content)


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
