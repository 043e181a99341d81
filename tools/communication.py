"""`python -m tools.communication`: bytes that adversarial training sends between processes.

Two processes on this machine train with PGD under DistributedDataParallel, over gloo. What is
counted are the gradients that each process hands to all-reduce, by a communication hook, and the
parameter gradients that the attack computes, by a hook on each parameter. Prints Markdown.
"""

import argparse
import datetime
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel

from semibackward import semi_backward
from semibackward_bench.grammar import counted

PROCESSES = 2
SECONDS = 120
"""After which a process that waits for the other gives up."""


@dataclass
class Traffic:
    """What one process sent and computed, over all optimisation steps.

    Attributes:
        reduced: bytes handed to all-reduce.
        attack_gradients: parameter gradients that were computed during the attacks.
        weights: the parameters after the last step, flattened into one tensor.
        gradient_bytes: of one gradient of the whole model.
    """

    reduced: int
    attack_gradients: int
    weights: Tensor
    gradient_bytes: int


def through_wrapper(ddp: DistributedDataParallel, images: Tensor, labels: Tensor, k: int) -> Tensor:
    return pgd(ddp, images, labels, k)


def inner_unfrozen(ddp: DistributedDataParallel, images: Tensor, labels: Tensor, k: int) -> Tensor:
    return pgd(ddp.module, images, labels, k)


def inner_frozen(ddp: DistributedDataParallel, images: Tensor, labels: Tensor, k: int) -> Tensor:
    with semi_backward(ddp.module):
        return pgd(ddp.module, images, labels, k)


WAYS: dict[str, Callable[[DistributedDataParallel, Tensor, Tensor, int], Tensor]] = {
    "the wrapped model": through_wrapper,
    "the inner module, unfrozen": inner_unfrozen,
    "the inner module, in `semi_backward`": inner_frozen,
}


def pgd(model: nn.Module, images: Tensor, labels: Tensor, k: int) -> Tensor:
    """PGD with k steps of `loss.backward()`, as most libraries do it."""
    adversarial = images
    for _ in range(k):
        adversarial = adversarial.detach().requires_grad_()
        nn.functional.cross_entropy(model(adversarial), labels).backward()
        assert adversarial.grad is not None
        adversarial = (adversarial + 0.01 * adversarial.grad.sign()).detach()
    return adversarial


def train(
    rank: int, way: str, model: str, k: int, steps: int, options: dict[str, Any] | None = None
) -> Traffic:
    """Adversarial training of one process among others; each has its own images.

    Args:
        options: further arguments of DistributedDataParallel.
    """
    torch.manual_seed(0)
    ddp = DistributedDataParallel(_build(model), **(options or {}))
    reduced, gradients = _count(ddp)
    attack_gradients = 0
    optimizer = torch.optim.SGD(ddp.parameters(), lr=0.1)
    torch.manual_seed(rank + 1)
    for _ in range(steps):
        images, labels = _images(model), torch.randint(5, (4,))
        gradients.clear()
        adversarial = WAYS[way](ddp, images, labels, k)
        attack_gradients += len(gradients)
        optimizer.zero_grad(set_to_none=False)
        nn.functional.cross_entropy(ddp(adversarial), labels).backward()
        optimizer.step()
    parameters = list(ddp.parameters())
    return Traffic(
        reduced=sum(reduced),
        attack_gradients=attack_gradients,
        weights=torch.cat([parameter.detach().flatten() for parameter in parameters]),
        gradient_bytes=sum(p.numel() * p.element_size() for p in parameters),
    )


def _build(model: str) -> nn.Module:
    if model == "small":
        return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 5))
    import torchvision

    return torchvision.models.resnet18()  # type: ignore[no-any-return]


def _images(model: str) -> Tensor:
    return torch.rand(4, 64) if model == "small" else torch.rand(4, 3, 64, 64)


def _count(ddp: DistributedDataParallel) -> tuple[list[int], list[int]]:
    """Lists that grow with each bucket that is reduced, and with each parameter gradient."""
    reduced: list[int] = []
    gradients: list[int] = []

    def all_reduce(
        state: object,
        bucket: dist.GradBucket,  # type: ignore[name-defined]
    ) -> torch.futures.Future[Tensor]:
        buffer = bucket.buffer().div_(PROCESSES)
        reduced.append(buffer.numel() * buffer.element_size())
        future = dist.all_reduce(buffer, async_op=True).get_future()
        return cast("torch.futures.Future[Tensor]", future.then(lambda done: done.value()[0]))

    def count(gradient: Tensor) -> None:
        gradients.append(gradient.numel())

    ddp.register_comm_hook(None, all_reduce)
    for parameter in ddp.parameters():
        parameter.register_hook(count)
    return reduced, gradients


def in_processes(work: Callable[..., Any], *args: Any, processes: int = PROCESSES) -> list[Any]:
    """`work(rank, *args)` in processes of one gloo group; what each returned, by rank.

    `work` must be importable, and return tensors, plain values, `Traffic`, or containers of them.

    Raises:
        RuntimeError: with the traceback of the first process that raised.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            spawn(_process, (work, args, folder, processes), nprocs=processes)
        except Exception:
            said = "\n".join(path.read_text() for path in sorted(Path(folder).glob("*.error")))
            raise RuntimeError(f"a process of {work.__qualname__} failed:\n{said}") from None
        paths = [Path(folder, f"{rank}.pt") for rank in range(processes)]
        with torch.serialization.safe_globals([Traffic]):
            return [torch.load(path, weights_only=True) for path in paths]


def _process(
    rank: int, work: Callable[..., Any], args: tuple[Any, ...], folder: str, size: int
) -> None:
    torch.set_num_threads(1)
    # Else gloo asks the network for this machine's name.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    store = dist.FileStore(str(Path(folder, "store")), size)  # type: ignore[attr-defined]
    limit = datetime.timedelta(seconds=SECONDS)
    try:
        dist.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=limit)
        torch.save(work(rank, *args), Path(folder, f"{rank}.pt"))
        store.set(f"done {rank}", "")
        store.wait([f"done {n}" for n in range(size)], limit)
    except BaseException:
        Path(folder, f"{rank}.error").write_text(traceback.format_exc())
        os._exit(1)
    # A model that outlives its process group may hang as it is destroyed (torch 2.13), so none is.
    os._exit(0)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.communication", description=__doc__)
    parser.add_argument("--model", choices=["small", "resnet18"], default="resnet18")
    parser.add_argument("--attack-steps", type=int, default=7, metavar="K")
    parser.add_argument("--steps", type=int, default=2, help="optimisation steps (default: 2)")
    asked = parser.parse_args(argv)
    print(f"# Bytes reduced by adversarial training: {asked.model}, PGD-{asked.attack_steps}\n")
    print(f"torch {torch.__version__}, {PROCESSES} processes, gloo, counted by")
    print("`python -m tools.communication`, per process and optimisation step. The last column")
    print("counts the parameter gradients that the attack computes.\n")
    print("| attack on | bytes to all-reduce | × one gradient | gradients in the attack |")
    print("|---|---:|---:|---:|")
    seen: list[Tensor] = []
    for way in WAYS:
        per_rank = in_processes(train, way, asked.model, asked.attack_steps, asked.steps)
        one = per_rank[0]
        seen += [traffic.weights for traffic in per_rank]
        print(
            f"| {way} | {one.reduced // asked.steps:,} |"
            f" {one.reduced / asked.steps / one.gradient_bytes:.3g} |"
            f" {one.attack_gradients // asked.steps:,} |"
        )
    same = all(torch.equal(seen[0], weights) for weights in seen)
    print(
        f"\nWeights after {counted(asked.steps, 'step')}, of all processes and all ways:", end=" "
    )
    print("bitwise equal." if same else "NOT equal.")


if __name__ == "__main__":
    main()
