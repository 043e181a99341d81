"""What an exception in a worker means for the case. Imports no torch: it may be what is missing."""

from __future__ import annotations

import errno
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from adapters.base import AdapterError, LibraryUnavailable, UnsupportedSettings
from bench.errors import InvalidOutput, ReadsParameterGradients
from bench.worker.channel import NO_KEYBOARD

if TYPE_CHECKING:
    from bench.cases import Status

LONGEST = 300
_ALLOCATORS = (
    "cuda out of memory",
    "hip out of memory",
    "xpu out of memory",
    "mps backend out of memory",
    "cuda error: out of memory",
    "hip error: out of memory",
    "cudaerrormemoryallocation",
    "hiperroroutofmemory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "cusolver_status_alloc_failed",
    "cusparse_status_alloc_failed",
    "cufft_alloc_failed",
    "outofmemoryerror:",
    "defaultcpuallocator: ",
    "resource_exhausted: out of memory",
    "std::bad_alloc",
)
"""What allocators say, in small letters; it counts in an error of any type that passes it on."""
_WORDS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "invalid buffer size: ",
)
"""The same in fewer words, as NCCL's "Cuda failure 2 'out of memory'", and Metal's of a buffer that
is larger than any. They count in a RuntimeError, which is what torch and its libraries raise: a
ValueError may speak of a memory of the attack's own."""
_AMBIGUOUS = (
    "unable to find an engine to execute",
    "cublas_status_not_initialized",
    "cudnn_status_not_initialized",
    "cudnn_status_internal_error",
    "cudnn_status_execution_failed",
)
"""What cuDNN and cuBLAS say where they could get no memory for themselves, and also for other
reasons: a dtype that the GPU does not know, a library of another version."""
_ROOT = Path(__file__).resolve().parents[2]
_NOT_THE_USERS = tuple(
    os.path.realpath(str(place)) + os.sep
    for place in (
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *(_ROOT / package for package in ("bench", "adapters", "semibackward")),
    )
)
"""Folders of Python's, of installed packages, and ours."""
NEARLY_FULL = 0.02
"""Of a GPU's memory: with less of it free there is no room for a library's workspace."""


def status_of(error: BaseException, short: Callable[[], bool] | None = None) -> Status:
    """The status of a case that ended in this exception.

    Out of memory is an error that says so, or one that was raised from such a one or while it was
    handled. An error that may mean that or something else counts where memory was seen to be short.

    Args:
        error: what was raised.
        short: whether it was; `gpu_short` if None.
    """
    if isinstance(error, LibraryUnavailable | UnsupportedSettings):
        return "unsupported"
    if isinstance(error, ReadsParameterGradients):
        return "reads parameter gradients"
    errors = list(behind(error))
    if any(map(_no_memory, errors)):
        return "out-of-memory"
    if any(_says(one, _AMBIGUOUS) for one in errors) and (short or gpu_short)():
        return "out-of-memory"
    return "failed"


def behind(error: BaseException) -> Iterator[BaseException]:
    """It, the errors it is a group of, and those that led to it as Python's traceback tells."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        left.append(one.__cause__)
        if not one.__suppress_context__:
            left.append(one.__context__)
        left.extend(getattr(one, "exceptions", ()))


def _no_memory(error: BaseException) -> bool:
    """Whether it says by itself that memory was refused; numpy's is a MemoryError, torch's and
    CuPy's have that name."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if _says(error, _ALLOCATORS):
        return True
    return isinstance(error, RuntimeError) and _says(error, _WORDS)


def _says(error: BaseException, texts: tuple[str, ...]) -> bool:
    said = str(error).lower()
    return any(text in said for text in texts)


def gpu_short() -> bool:
    """Whether torch's allocator was refused memory since `forget_refusals`, or the GPU is full.

    cuDNN asks the allocator for its workspace and keeps a refusal to itself; the allocator counts
    it (`num_ooms`).
    """
    cuda = _cuda()
    if cuda is None:
        return False
    if cuda.memory_stats().get("num_ooms", 0):
        return True
    free, total = cuda.mem_get_info()
    return bool(free < NEARLY_FULL * total)


def forget_refusals() -> None:
    """Count memory that is refused from here on, for the case that comes next."""
    cuda = _cuda()
    if cuda is not None:
        cuda.reset_accumulated_memory_stats()


def _cuda() -> Any:
    """`torch.cuda` where this process uses a GPU, else None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def reason_of(error: BaseException) -> str:
    """One line for the user; what we say ourselves is never cut, since it ends with the mend."""
    text = " ".join(str(error).split())
    if isinstance(error, AdapterError | InvalidOutput | ReadsParameterGradients):
        return text
    if isinstance(error, SystemExit):
        return f"the attack ends the program, SystemExit({text}){where(error)}; let it return"
    name = type(error).__name__
    if name == "BdbQuit" or (text == NO_KEYBOARD and isinstance(error, EOFError)):
        return f"{name}{where(error)}: {NO_KEYBOARD}"
    if len(text) > LONGEST:
        text = text[:LONGEST] + " ..."
    return f"{name}: {text}" if text else f"{name}{where(error)}"


def where(error: BaseException) -> str:
    """The line that raised, " in FILE, line N": the last one of the user's where there is one.

    It is of use where the error itself says nothing, as a bare assertion.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    last = next((frame for frame in reversed(frames) if _users(frame.filename)), frames[-1])
    return f" in {PurePath(last.filename).name}, line {last.lineno}"


def _users(file: str) -> bool:
    """Whether a file is neither Python's, nor installed, nor ours."""
    place = os.path.realpath(file)
    return not place.startswith(_NOT_THE_USERS) and Path(place).is_file()


def taints(error: BaseException) -> bool:
    """Whether foreign code was broken off, so that the next case needs a fresh process."""
    return not isinstance(error, AdapterError | InvalidOutput)
