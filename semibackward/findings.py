"""One thing that was found out about a model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

Severity = Literal["fine", "note", "mend"]


@dataclass(frozen=True)
class Finding:
    """What was found, and what to do.

    Args:
        severity: "fine": works as it is; "note": worth knowing; "mend": something has to be done.
        what: a short name.
        said: one sentence about this model.
    """

    severity: Severity
    what: str
    said: str


fine = partial(Finding, "fine")
note = partial(Finding, "note")
mend = partial(Finding, "mend")
