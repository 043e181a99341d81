"""The file of records on disk: each line is written and flushed as soon as it is known."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

from bench import records
from bench.errors import EnvironmentMismatch, UsageError
from bench.records import Environment, Record, RecordError, Run

_MUST_AGREE = (
    "python",
    "torch",
    "processor",
    "threads",
    "math",
    "variables",
    "device",
    "accelerator",
    "seed",
)


class Journal:
    """An open file of records.

    Made before anything slow, so that a path that can't be written is known at once. A new journal
    that ends without a record leaves no file behind.

    Args:
        path: must not exist, unless `resume`.
        resume: go on with an existing file; a half-written last line is cut off.

    Raises:
        UsageError: the path can't be used.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self.path = path
        self.earlier: Run | None = None
        try:
            if path.exists() and not resume:
                raise UsageError(
                    f"{path} exists; go on with it by --resume, or name another with --out"
                )
            self._made = not path.exists()
            if not self._made:
                self.earlier = _read_and_mend(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = path.open("a" if resume else "x", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"can't write {path}: {error.strerror}; name another file with --out"
            ) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if self._made and self.path.stat().st_size == 0:
            self.path.unlink()

    def begin(self, environment: Environment) -> None:
        """Write the environment, or check that the earlier run's is the same.

        Raises:
            EnvironmentMismatch: the run that is resumed was made elsewhere.
        """
        if self.earlier is None:
            self.append(environment)
            return
        differences = list(_differences(self.earlier.environment, environment))
        if differences:
            raise EnvironmentMismatch(
                f"{self.path} was measured in another environment ({'; '.join(differences)});"
                " start a new file with --out"
            )

    def append(self, record: Record) -> None:
        """Write one record and see it onto the disk."""
        self._file.write(records.to_line(record))
        self._file.flush()
        os.fsync(self._file.fileno())

    def done(self) -> set[tuple[str, str]]:
        """The questions that need not be asked again: the earlier run measured them."""
        if self.earlier is None:
            return set()
        return {r.key for r in self.earlier.comparisons if r.status in ("ok", "unequal")}


def _differences(then: Environment, now: Environment) -> Iterator[str]:
    """What keeps two runs from being one; a library installed in between does not."""
    facts = [(name, getattr(then, name), getattr(now, name)) for name in _MUST_AGREE]
    shared = then.libraries.keys() & now.libraries.keys()
    facts += [(name, then.libraries[name], now.libraries[name]) for name in sorted(shared)]
    for name, before, after in facts:
        if before != after:
            yield f"{name}: {before} then, {after} now"


def _read_and_mend(path: Path) -> Run | None:
    """Read an earlier run, and only then cut off the half-written line a killed one leaves."""
    data = path.read_bytes()
    if not data.strip():
        return None
    try:
        earlier = records.read(path)
    except RecordError as error:
        raise UsageError(f"{error}; it can't be resumed, name another file with --out") from error
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
    return earlier
