"""`bf16`, `fp16` and `tf32`: arithmetic of fewer bits, and examples that are others by it."""

from __future__ import annotations

import contextlib
import warnings
from abc import ABC
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from adapters.base import UnsupportedSettings
from bench.variants.base import CUDA, Part, Way
from bench.variants.outputs import mapped


class Autocast(Part, ABC):
    """The forward pass under torch's autocast; its output in the model's own dtype."""

    devices = ("cpu", CUDA)
    turn = 2
    dtype: ClassVar[str]
    why_not = "a pass has one reduced precision"

    def shape(self, way: Way) -> None:
        import torch

        kind, dtype, forward = way.device.partition(":")[0], getattr(torch, self.dtype), way.forward
        own = next((p.dtype for p in way.model.parameters() if p.is_floating_point()), None)
        if own not in (None, torch.float32):
            raise UnsupportedSettings(f"{self.name} is for models of float32, and this is of {own}")
        _check(self.name, kind, dtype)

        def reduced(*args: Any, **kwargs: Any) -> Any:
            with torch.autocast(kind, dtype=dtype):
                output = forward(*args, **kwargs)
            return mapped(output, lambda t: t.float() if t.dtype == dtype else t)

        way.forward = reduced

    def lines(self, device: str) -> Sequence[str]:
        kind = device.partition(":")[0]
        return (
            f"def {self.name}(*args, forward=model.forward):",
            f'    with torch.autocast("{kind}", dtype=torch.{self.dtype}):',
            "        return forward(*args).float()",
            f"model.forward = {self.name}",
        )


class BFloat16(Autocast):
    """Eight bits of mantissa, and the range of float32."""

    name = "bf16"
    told = "the forward pass under autocast to bfloat16, and so the backward pass"
    dtype = "bfloat16"
    excludes = ("fp16",)


class Float16(Autocast):
    """Eleven bits of mantissa, and a range that small gradients fall out of: those become 0."""

    name = "fp16"
    told = "the same to float16; gradients are not scaled, so that small ones become 0"
    dtype = "float16"
    excludes = ("bf16",)


class TF32(Part):
    """Products of float32 rounded to ten bits of mantissa, by NVIDIA's tensor cores."""

    name = "tf32"
    told = "convolutions and matrix products of float32 in TF32"
    devices = (CUDA,)
    turn = 2

    def lacks(self, device: str) -> str | None:
        found = super().lacks(device)
        if found is not None:
            return found
        import torch

        major, _ = torch.cuda.get_device_capability(device)
        return None if major >= 8 else "it is for GPUs from NVIDIA's Ampere on"

    def shape(self, way: Way) -> None:
        way.inside(_in_tf32)

    def lines(self, device: str) -> Sequence[str]:
        return (
            'torch.set_float32_matmul_precision("high")',
            "torch.backends.cudnn.allow_tf32 = True",
        )


@contextlib.contextmanager
def _in_tf32() -> Iterator[None]:
    import torch

    products, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.allow_tf32 = convolutions


def _check(name: str, kind: str, dtype: Any) -> None:
    """Look whether autocast does anything here: where it does not know a dtype it only warns.

    Raises:
        UnsupportedSettings: it does nothing.
    """
    import torch

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            with torch.autocast(kind, dtype=dtype):
                one = torch.ones(1, 1, device=kind)
                works = torch.mm(one, one).dtype == dtype
        except RuntimeError as error:
            raise UnsupportedSettings(f"{name}: {error}") from error
    if not works:
        why = f": {said[0].message}" if said else ""
        raise UnsupportedSettings(f"{name}: torch {torch.__version__} has no such autocast{why}")
