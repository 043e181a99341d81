"""The file of records on disk: each line is written and flushed as soon as it is known.

One run writes to a file at a time (a lock, which ends with the process, sees to it), and a line
that does not fit on the disk is taken back whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from bench import program
from bench.cases import DECIDED
from bench.errors import EnvironmentMismatch, OutputError, UsageError
from bench.kinds.record import SCHEMA
from bench.records import reading
from bench.records.memory import MemoryPolicy
from bench.records.reading import Record, RecordError, Run
from bench.records.types import Environment, ProcessRecord

_MUST_AGREE = (
    "python",
    "torch",
    "processor",
    "threads",
    "math",
    "variables",
    "memory",
    "workers",
    "device",
    "accelerator",
    "seed",
    "bench_version",
    "code",
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
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True)
            self._made = not path.exists()
            self._file = os.open(
                path, os.O_RDWR | os.O_APPEND | os.O_CREAT | (0 if resume else os.O_EXCL), 0o666
            )
        except OSError as error:
            if path.exists() and not resume:
                raise UsageError(
                    f"{path} exists; go on with it by --resume, or name another with --out"
                ) from None
            raise UsageError(
                f"can't write {path}: {error.strerror}; name another file with --out"
            ) from error
        try:
            self._lock()
            if not self._made:
                self.earlier = self._read_and_mend()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._made and os.fstat(self._file).st_size == 0:
            self.path.unlink(missing_ok=True)
        os.close(self._file)

    def begin(self, environment: Environment) -> None:
        """Write the environment, or check that the earlier run's is the same.

        Raises:
            EnvironmentMismatch: the run that is resumed was made elsewhere.
        """
        if self.earlier is None:
            self.append(environment)
            return
        if self.earlier.schema < SCHEMA:
            raise EnvironmentMismatch(
                f"{self.path} was written by an older version of this program, in schema"
                f" {self.earlier.schema} of records; `report` and `compare` read it, but what is"
                " measured now goes into a new file with --out"
            )
        differences = list(_differences(self.earlier.environment, environment))
        if differences:
            raise EnvironmentMismatch(
                f"{self.path} was measured in another environment ({'; '.join(differences)});"
                " start a new file with --out"
            )

    def append(self, record: Record) -> None:
        """Write one record and see it onto the disk.

        Raises:
            OutputError: the disk is full, or gone; the file ends with the last whole record.
        """
        line = reading.to_line(record).encode()
        size = os.fstat(self._file).st_size
        try:
            while line:
                line = line[os.write(self._file, line) :]
            os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)
            raise OutputError(
                f"can't write {self.path}: {error.strerror}; what was measured before is in it:"
                f" make room, then add {program.options('--out', self.path)} --resume to go on"
            ) from error

    def done(self) -> set[tuple[str, str]]:
        """The questions that need not be asked again: the earlier run measured them."""
        if self.earlier is None:
            return set()
        return {r.key for r in self.earlier.comparisons if r.status in DECIDED}

    def own(self, kind: str) -> set[tuple[Any, ...]]:
        """What lines of a kind's own need not be made again."""
        if self.earlier is None:
            return set()
        return {r.key for r in self.earlier.own.get(kind, ()) if r.status == "ok"}

    def counted(self) -> set[tuple[str, str]]:
        """What need not be counted again."""
        if self.earlier is None:
            return set()
        return {r.key for r in self.earlier.counts if r.status in DECIDED}

    def parts(
        self, case_id: str, variant: str, memory: MemoryPolicy | None = None
    ) -> list[ProcessRecord]:
        """What the earlier run's processes found of a comparison it did not complete: those from
        0 on, without a gap.

        Args:
            case_id, variant: of the comparison.
            memory: what they did with memory, where that is not what the environment says.
        """
        known = () if self.earlier is None else self.earlier.parts
        found = {
            part.process: part
            for part in known
            if part.key == (case_id, variant) and part.memory == memory
        }
        contiguous: list[ProcessRecord] = []
        while len(contiguous) in found:
            contiguous.append(found[len(contiguous)])
        return contiguous

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another run is writing {self.path}; wait for it, or name another file with --out"
            ) from None
        except OSError:
            return  # a file system without locks

    def _read_and_mend(self) -> Run | None:
        """Read an earlier run, and only then cut off the half-written line a killed one leaves."""
        try:
            data = self.path.read_bytes()
            if not data.strip():
                os.ftruncate(self._file, 0)
                return None
            earlier = reading.read(self.path)
        except (OSError, RecordError) as error:
            raise UsageError(
                f"{error}; it can't be resumed, name another file with --out"
            ) from error
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._file, whole)
        return earlier


def _differences(then: Environment, now: Environment) -> Iterator[str]:
    """What keeps two runs from being one; a library installed in between does not."""
    facts = [(name, getattr(then, name), getattr(now, name)) for name in _MUST_AGREE]
    shared = then.libraries.keys() & now.libraries.keys()
    facts += [(name, then.libraries[name], now.libraries[name]) for name in sorted(shared)]
    theirs, ours = then.files, now.files
    facts += [(name, theirs[name], ours[name]) for name in sorted(theirs.keys() & ours.keys())]
    for name, before, after in facts:
        if before != after:
            yield f"{name}: {before} then, {after} now"
