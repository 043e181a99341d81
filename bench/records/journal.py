"""The file of records on disk: each line is written and flushed as soon as it is known.

One run writes to a file at a time (a lock, which ends with the process, sees to it), and a line
that does not fit on the disk is taken back whole. A file that is gone on with is left as it is,
byte for byte, until the first record is appended; all that may keep a run from going on is asked
before.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from bench import files, program
from bench.cases import DECIDED, Status
from bench.errors import EnvironmentMismatch, OutputError, UsageError
from bench.kinds import sharding
from bench.kinds.record import SCHEMA
from bench.records import opening, reading
from bench.records.earlier import Earlier
from bench.records.matrix import CellKey
from bench.records.memory import MemoryPolicy
from bench.records.reading import Record, RecordError, Records, Run
from bench.records.types import Environment, ProcessRecord

K = TypeVar("K")

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
_AS_UTF_8 = "`Get-Content OLD | Set-Content -Encoding utf8 NEW` in PowerShell, `iconv` elsewhere"


class Journal:
    """An open file of records.

    Made before anything slow, so that a path that can't be written is known at once. A new journal
    that ends without a record leaves no file behind. A device or a pipe, as /dev/null, is written
    to like a file, and can't be gone on with.

    Args:
        path: must not exist, unless `resume`, or be a device or a pipe.
        resume: go on with an existing file; a half-written last line is cut off by the first
            record that is appended, and a whole one that lacks its line feed gets it.

    Raises:
        UsageError: the path can't be used.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self.path = path
        self.earlier: Earlier | None = None
        self._told: list[bytes] | None = None
        self._mend: tuple[int, bytes] | None = None
        self._folders: list[Path] = []
        try:
            before = opening.found(path)
            self._target = Path(os.path.realpath(path))  # a link may lead nowhere yet
            self._made = before is None
            if before is not None and not stat.S_ISREG(before.st_mode):
                self._told = []
                self._file = opening.special(path, before, resume=resume)
                return
            opening.check(path, before, resume=resume)
            self._make_folders()
            self._file = os.open(
                self._target,
                os.O_RDWR | os.O_APPEND | (os.O_CREAT | os.O_EXCL if self._made else 0),
                0o666,
            )
        except (OSError, ValueError) as error:
            self._remove_folders()
            said = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"can't write {path}: {said}; name another file with --out") from error
        try:
            self._lock()
            if not self._made:
                self.earlier = self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; remove it if it is new and nothing was written."""
        if self._made and os.fstat(self._file).st_size == 0:
            self._target.unlink(missing_ok=True)
            self._remove_folders()
        os.close(self._file)

    def begin(self, environment: Environment) -> None:
        """Write the environment, or check that the earlier run's is the same.

        Raises:
            EnvironmentMismatch: the run that is resumed was made elsewhere.
            UsageError: it was another shard.
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
        then, now = (sharding.recorded(e.command) for e in (self.earlier.environment, environment))
        if then != now:
            raise UsageError(
                f"{self.path} is of {_part(then)}, and this is {_part(now)}; name another file with"
                " --out"
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
        if self._told is not None:
            self._told.append(line)
        try:
            if self._told is None:
                self._append(line)
            else:
                _write(self._file, line)
        except OSError as error:
            mend = f"make room, then add {program.options('--out', self.path)} --resume to go on"
            if self._told is not None:
                mend = "name a file with --out, which can be gone on with"
            raise OutputError(
                f"can't write {self.path}: {error.strerror}; what was measured before is in it:"
                f" {mend}"
            ) from error

    def _append(self, line: bytes) -> None:
        if self._mend is not None:
            size, missing = self._mend
            os.ftruncate(self._file, size)
            line, self._mend = missing + line, None
        before = os.fstat(self._file)
        if not before.st_nlink:
            raise OutputError(
                f"{self.path} was deleted while it was written to, and what was measured is gone;"
                " measure again, and leave it where it is"
            )
        try:
            _write(self._file, line)
            os.fsync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, before.st_size)
            raise

    def read(self) -> Run:
        """Everything that is in it now; of a device or a pipe, what was written there.

        Raises:
            OutputError: it has been changed meanwhile.
        """
        if self._told is not None:
            return reading.of(Records(self.path, self._told))
        try:
            return reading.read(self.path, plain=reading.PLAIN)
        except RecordError as error:
            raise OutputError(f"{error}; leave it as it is while it is written to") from error

    def done(self) -> set[tuple[str, str]]:
        """The questions that need not be asked again: the earlier run measured them."""
        return _decided(self.earlier.ended) if self.earlier else set()

    def own(self, kind: str) -> set[tuple[Any, ...]]:
        """What lines of a kind's own need not be made again."""
        found = self.earlier.own.get(kind, {}) if self.earlier else {}
        return {key for key, status in found.items() if status == "ok"}

    def counted(self) -> set[tuple[str, str]]:
        """What need not be counted again."""
        return _decided(self.earlier.counted) if self.earlier else set()

    def cells(self) -> set[CellKey]:
        """The cells of a matrix that need not be filled again."""
        return _decided(self.earlier.cells) if self.earlier else set()

    def parts(
        self, case_id: str, variant: str, memory: MemoryPolicy | None = None
    ) -> list[ProcessRecord]:
        """What the earlier run's processes found of a comparison it did not complete: those from
        0 on, without a gap, of the slot that had it last.

        Args:
            case_id, variant: of the comparison.
            memory: what they did with memory, where that is not what the environment says.
        """
        known = self.earlier.parts.get((case_id, variant), []) if self.earlier else []
        places = [None if part.slot is None else part.slot.place for part in known]
        found = {
            part.process: part
            for part, place in zip(known, places, strict=True)
            if part.memory == memory and place == places[-1]
        }
        contiguous: list[ProcessRecord] = []
        while len(contiguous) in found:
            contiguous.append(found[len(contiguous)])
        return contiguous

    def _lock(self) -> None:
        if not opening.locked(self._file):
            raise UsageError(
                f"another run is writing {self.path}; wait for it, or name another file with --out"
            )

    def _read(self) -> Earlier | None:
        """Read an earlier run, and find out what its last line wants before one is appended."""
        size, last = opening.last_line(self._file)
        if size == len(last) and not last.strip():
            self._mend = (0, b"") if size else None
            return None
        mark = os.pread(self._file, len(files.GZIP), 0)
        if mark == files.GZIP:
            raise UsageError(
                f"{self.path} is packed by gzip; unpack it (gunzip), then go on with what comes out"
            )
        records = Records(self.path, files.chunks(self.path))
        earlier = None
        try:
            for record in records:
                if earlier is None:
                    earlier = Earlier(records.environment, records.schema)
                earlier.note(record)
        except RecordError as error:
            raise UsageError(
                f"{error}; it can't be resumed, name another file with --out"
            ) from error
        if b"\0" in os.pread(self._file, 4, 0):
            raise UsageError(
                f"{self.path} is UTF-16; save it as UTF-8, then go on with that: {_AS_UTF_8}"
            )
        if records.cut or not last.strip():
            self._mend = (size - len(last), b"") if last else None
        else:
            self._mend = (size, b"\n")
        return earlier

    def _make_folders(self) -> None:
        folder = self._target.parent
        while not folder.is_dir():
            self._folders.append(folder)
            folder = folder.parent
        self._target.parent.mkdir(parents=True, exist_ok=True)

    def _remove_folders(self) -> None:
        with contextlib.suppress(OSError):
            for folder in self._folders:
                folder.rmdir()


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _decided(ended: Mapping[K, Status]) -> set[K]:
    return {key for key, status in ended.items() if status in DECIDED}


def _part(shard: str | None) -> str:
    return "a whole run" if shard is None else f"shard {shard}"


def _differences(then: Environment, now: Environment) -> Iterator[str]:
    """What keeps two runs from being one; a library installed in between does not."""
    facts = [(name, getattr(then, name), getattr(now, name)) for name in _MUST_AGREE]
    shared = then.libraries.keys() & now.libraries.keys()
    facts += [(name, then.libraries[name], now.libraries[name]) for name in sorted(shared)]
    theirs, ours = then.files, now.files
    facts += [(name, theirs[name], ours[name]) for name in sorted(theirs.keys() & ours.keys())]
    facts += [
        (f"code of {name}", then.origins[name].told, now.origins[name].told)
        for name in sorted(then.origins.keys() & now.origins.keys())
        if then.origins[name].digest != now.origins[name].digest
    ]
    for name, before, after in facts:
        if before != after:
            yield f"{name}: {before} then, {after} now"
