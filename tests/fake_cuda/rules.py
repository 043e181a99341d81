"""Which kernels take tensors of two devices, and what CUDA says where one does not.

`torchgen`, which comes with torch, holds the table that PyTorch's kernels are made from. By its
`device_check` an operation is held to one device by generated code, by TensorIterator, which takes
one CPU tensor without dimensions beside those of the GPU, or by code of its own. The last are in
`_OWN` here, after aten/src/ATen/native.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from tests.fake_cuda import needs
from tests.fake_cuda.places import device_of, on_gpu

Check = Literal["generated", "TensorIterator"]
_DEVICES = "Expected all tensors to be on the same device, but found at least two devices,"


@dataclass(frozen=True)
class Operation:
    """What PyTorch's table says of an operation.

    Attributes:
        check: who holds it to one device.
        wrapper: the name of the CUDA function that generated code checks in.
    """

    check: Check
    wrapper: str


@dataclass(frozen=True)
class Given:
    """A tensor among the arguments of a kernel.

    Attributes:
        name: of the argument.
        position: in the list that it was given in, None without one.
        tensor: itself.
        written: whether the kernel writes to it.
    """

    name: str
    position: int | None
    tensor: Tensor
    written: bool

    @property
    def gpu(self) -> bool:
        return on_gpu(self.tensor)

    @property
    def free_scalar(self) -> bool:
        """A CPU tensor that TensorIterator takes beside those of the GPU."""
        return not self.gpu and not self.written and self.tensor.dim() == 0


Rule = Callable[[Any, Sequence[Given]], None]


@functools.cache
def operations() -> dict[str, Operation]:
    """PyTorch's operations by name and overload, as "add.Tensor"."""
    file = needs.table()
    assert file is not None  # `needs.lacking` has asked
    entries = re.split(r"^- func: ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {entry[: entry.index("(")]: _operation(entry) for entry in entries}


def _operation(entry: str) -> Operation:
    name, _, overload = entry[: entry.index("(")].partition(".")
    unchecked = re.search(r"^  device_check: NoCheck", entry, re.MULTILINE)
    if re.search(r"^  structured(_delegate)?: ", entry, re.MULTILINE):
        parts = [name, *([overload] if overload not in ("", "out") else [])]
    else:
        parts = [overload, name]
    return Operation(
        "TensorIterator" if unchecked else "generated", "_".join(["wrapper_CUDA", *parts])
    )


def check(kernel: Any, given: Sequence[Given]) -> None:
    """Hold a kernel to one device as CUDA does; asked where its tensors lie on two.

    Args:
        kernel: the `OpOverload`.
        given: its tensors, in order.

    Raises:
        RuntimeError: in the words of CUDA.
    """
    name, _, overload = str(kernel.name()).removeprefix("aten::").partition(".")
    rule = _OWN.get(name)
    if rule is None and name.startswith("_foreach_"):
        rule = _one_by_one
    if rule is None:
        full = f"{name}.{overload}" if overload else name
        known = operations().get(full, Operation("generated", f"wrapper_CUDA__{name}"))
        rule = _iterated if known.check == "TensorIterator" else _generated
    rule(kernel, given)


def result_on_gpu(kernel: Any, given: Sequence[Given]) -> bool:
    """Where what a kernel makes of tensors on two devices lies."""
    name = str(kernel.name()).removeprefix("aten::").partition(".")[0]
    return given[0].gpu if name in _LIKE_THE_FIRST else True


_LIKE_THE_FIRST = frozenset({"copy", "index_put", "slice_scatter", "select_scatter"})


def _generated(kernel: Any, given: Sequence[Given]) -> None:
    first, *others = sorted(given, key=lambda one: not one.written)
    for other in others:
        if other.gpu != first.gpu:
            full = str(kernel.name()).removeprefix("aten::")
            known = operations().get(full)
            wrapper = known.wrapper if known else f"wrapper_CUDA__{full}"
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but got {other.name} is on"
                f" {device_of(other.tensor)}, different from other tensors on"
                f" {device_of(first.tensor)} (when checking argument in method {wrapper})"
            )


def _iterated(kernel: Any, given: Sequence[Given], most_scalars: int = 1) -> None:
    """TensorIteratorBase::compute_types."""
    if not any(one.gpu for one in given):
        return
    scalars = 0
    for one in given:
        if one.free_scalar:
            scalars += 1
            if scalars > most_scalars:
                raise RuntimeError("Trying to pass too many CPU scalars to non-CPU kernel!")
        elif not one.gpu:
            raise RuntimeError(f"{_DEVICES} cuda:0 and cpu!")


def _where(kernel: Any, given: Sequence[Given]) -> None:
    _iterated(kernel, given, most_scalars=3)


def _one_by_one(kernel: Any, given: Sequence[Given]) -> None:
    """Foreach kernels go through their lists one by one where these lie on two devices."""
    alone = [one for one in given if one.position is None]
    for position in {one.position for one in given if one.position is not None}:
        _iterated(kernel, [*(one for one in given if one.position == position), *alone])


def _free(kernel: Any, given: Sequence[Given]) -> None:
    """Copies between devices, and looks at sizes."""


def _indexed(kernel: Any, given: Sequence[Given]) -> None:
    """Indices may be on the CPU, whatever they index; values only without dimensions."""
    first = given[0]
    for one in given[1:]:
        if one.name == "indices" and one.gpu and not first.gpu:
            raise RuntimeError(
                "indices should be either on cpu or on the same device as the indexed tensor (cpu)"
            )
        if one.name != "indices" and one.gpu != first.gpu and one.tensor.dim() > 0:
            raise RuntimeError(f"{_DEVICES} cuda:0 and cpu!")


def _masked_fill(kernel: Any, given: Sequence[Given]) -> None:
    first, *others = given
    by_name = {one.name: one for one in others}
    mask, value = by_name["mask"], by_name.get("value")
    if mask.gpu != first.gpu:
        raise RuntimeError(
            "expected self and mask to be on the same device, but got mask on"
            f" {device_of(mask.tensor)} and self on {device_of(first.tensor)}"
        )
    if value is not None and value.gpu and not first.gpu:
        raise RuntimeError("masked_fill_: Expected inputs to be on same device")


def _convolved(kernel: Any, given: Sequence[Given]) -> None:
    first, *others = given
    for other in others:
        if other.gpu != first.gpu:
            raise RuntimeError(
                f"Input type ({_kind(first)}) and {other.name} type ({_kind(other)})"
                " should be the same"
            )


def _kind(one: Given) -> str:
    return type_name(one.tensor.type(), one.gpu)


def type_name(text: str, gpu: bool) -> str:
    """What a tensor type is called on a device: torch.FloatTensor, torch.cuda.FloatTensor."""
    plain = text.replace("torch.cuda.", "torch.")
    return plain.replace("torch.", "torch.cuda.") if gpu else plain


_OWN: dict[str, Rule] = {
    "_index_put_impl_": _indexed,
    "_to_copy": _free,
    "convolution": _convolved,
    "copy": _free,
    "copy_": _free,
    "index": _indexed,
    "index_put": _indexed,
    "index_put_": _indexed,
    "is_same_size": _free,
    "masked_fill": _masked_fill,
    "masked_fill_": _masked_fill,
    "where": _where,
}
