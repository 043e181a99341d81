"""`python -m bench doctor --model SPEC`: what freezing a model meets, and what is to mend first.

Imports no torch: the worker looks.
"""

from __future__ import annotations

from typing import Any

from adapters import custom
from adapters.base import AdapterError
from adapters.models import catalogue
from bench import telling
from bench.errors import UsageError
from bench.running.pool import Worker, WorkerPool
from bench.running.process import START_TIMEOUT, WorkerDied
from bench.words import closest
from semibackward_bench.grammar import counted

INSTALL_TORCH = "python -m pip install torch torchvision"
MARKS = {"fine": "ok", "note": "--", "mend": "!!"}


def examine(
    spec: str,
    image_size: int | None,
    shape: tuple[int, int, int] | None = None,
    pool: WorkerPool | None = None,
) -> tuple[str, bool]:
    """Examine a model in a worker.

    Args:
        spec: a timm name, or FILE.py:NAME or package.module:NAME of an `nn.Module` or of what
            returns one when called without arguments.
        image_size: side in pixels of the images to try; None for what the model was made for.
        shape: of an image, (channels, height, width); None for what the model declares.
        pool: where the worker comes from.

    Returns:
        the text for the user, and whether nothing has to be mended.

    Raises:
        UsageError: there is no such model, or the worker can't look at it.
    """
    _look_for(spec)
    pool = pool or WorkerPool()
    try:
        answer = _ask(pool.get(), spec, image_size, shape)
    except WorkerDied as died:
        raise UsageError(f"--model {spec}: {died}") from died
    finally:
        pool.replace()
    return _text(spec, answer)


def _look_for(spec: str) -> None:
    if ":" in spec or spec.endswith(".py"):
        try:
            custom.parse(spec, "--model", "my_models.py:build")
        except AdapterError as error:
            raise UsageError(str(error)) from error
    elif not catalogue.is_known(spec):
        raise UsageError(
            f"unknown model {spec!r}{closest(spec, catalogue.names())}; your own:"
            " FILE.py:FUNCTION or package.module:FUNCTION"
        )


def _ask(
    worker: Worker, spec: str, image_size: int | None, shape: tuple[int, int, int] | None
) -> dict[str, Any]:
    if not worker.facts["ok"]:
        raise UsageError(f"{worker.facts['reason']}; {INSTALL_TORCH}")
    request = {"do": "examine", "model": spec, "image_size": image_size, "shape": shape}
    answer = worker.ask(request, timeout=START_TIMEOUT)
    if not answer["ok"]:
        reason = answer["reason"]
        raise UsageError(reason if reason.startswith("--model") else f"--model {spec}: {reason}")
    return answer


def _text(spec: str, answer: dict[str, Any]) -> tuple[str, bool]:
    findings = answer["findings"]
    tried = "not tried"
    if answer["shape"]:
        images, *shape = answer["shape"]
        tried = f"tried with {counted(images, 'image')} of {'×'.join(map(str, shape))} on the CPU"
    lines = [f"{telling.line(spec)}, {tried}"]
    lines += [
        f"{MARKS[f['severity']]}  {f['what']:<13} {telling.line(f['said'])}" for f in findings
    ]
    healthy = all(finding["severity"] != "mend" for finding in findings)
    if not healthy:
        last = "Mend what is marked !! before you freeze it"
    else:
        last = "To freeze it: with semibackward.semi_backward(model): ..."
    lines.append(f"\n{last}")
    return "\n".join(lines), healthy
