"""Errors that end a command; only the CLI turns them into one line and an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.cases import Status


class BenchError(Exception):
    """Something the user must mend; the message says what was wrong, and the mend."""

    exit_code = 2


class UsageError(BenchError):
    """A wrong argument or an unusable file."""


class NothingToDo(BenchError):
    """What was asked for is empty, and nothing is wrong with that."""

    exit_code = 0


class OutputError(BenchError):
    """The records can't be written any more; what was written before is whole."""


class EnvironmentMismatch(BenchError):
    """Two environments whose numbers can't be set side by side."""

    exit_code = 4


class InvalidOutput(Exception):
    """An attack returned something other than adversarial images."""


class ReadsParameterGradients(Exception):
    """An attack reads parameter gradients, and does not run without them."""


class Ended(Exception):
    """Something in a worker is over before its end.

    Attributes:
        status: how a record tells of it.
        reason: why, in words.
        trace: where in the worker, if it could still say so.
        lost: whether the worker was killed, or its machine was lost: the next may do it.
    """

    def __init__(self, status: Status, reason: str, trace: str = "", *, lost: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.trace = trace
        self.lost = lost
