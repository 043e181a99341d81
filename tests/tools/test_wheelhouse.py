"""Wheels for a GPU machine without network, and the lock they come from."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from tools import wheelhouse
from tools.wheelhouse import Target


def test_the_wheelhouse_leaves_the_torch_stack_out() -> None:
    target = Target("3.12", "x86_64")
    lacking = wheelhouse.wanted(target) - wheelhouse.torch_stack(target)
    assert {"torchattacks", "foolbox", "advertorch", "timm", "pydantic"} <= lacking
    assert not lacking & {"torch", "torchvision", "numpy", "pillow", "sympy", "ruff", "mypy"}
    kernels = [name for name in lacking if name.startswith(("nvidia", "cuda"))]
    assert kernels == ["nvidia-ml-py"], "what watches the GPU, and none of what runs on it"
    pinned = {pin.name for pin in wheelhouse.locked(target)}
    assert lacking <= {canonicalize_name(name) for name in pinned}
    with_text = wheelhouse.wanted(target, text=True) - wheelhouse.torch_stack(target)
    assert {"openattack", "transformers"} <= with_text - lacking


def test_the_wheelhouse_reads_both_lists_of_pip() -> None:
    text = (
        "Package    Version\n---------- -------\nnumpy      2.1\nPillow==12.0\ntimm @ file:///x\n"
    )
    assert {"numpy", "pillow", "timm"} <= wheelhouse.names_in(text)


def test_the_lock_pins_one_version_of_each_on_every_python() -> None:
    for python in ("3.10", "3.11", "3.12", "3.13"):
        names = [pin.name for pin in wheelhouse.locked(Target(python, "x86_64"))]
        assert len(names) == len(set(names)), python
