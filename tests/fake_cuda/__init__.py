"""A CPU that plays a machine with one CUDA GPU, for tests of what runs on both.

Inside `played()`, code that says "cuda:0" runs on the CPU, bit for bit as it would there; but what
mixes devices, or reads a GPU's tensor as a NumPy array, raises what CUDA raises, in the words of
the locked torch. Speed, memory and the GPU's own rounding are not played.

- `places`: which tensors lie on the GPU. Storages are tagged, not tensors, so that views, `.data`
  and what autograd saved are where their memory is.
- `rules`: which kernels take tensors of two devices, by PyTorch's own table of operations.
- `kernels`: a dispatch mode that holds every kernel to them, those of a backward pass too.
- `front`: a function mode for what Python sees: devices, copies between them, factories, NumPy.
- `needs`: what torch must have for all this.
- `machine`: puts it all in place, `torch.cuda`'s answers too, and takes it away again.

Beyond it: sparse tensors, pickles, streams and graphs, a second GPU, and what PyTorch would refuse
only in a kernel that CPUs do not have.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from tests.fake_cuda.needs import lacking

DEVICE = "cuda:0"
played_gpu = pytest.mark.skipif(lacking() is not None, reason=str(lacking()))
"""On tests that need a torch which can be made to play one."""


def played() -> AbstractContextManager[None]:
    """Inside the block this machine has a GPU, `DEVICE`. What was patched is put back after it.

    Tensors made inside the block are of no use outside it.
    """
    from tests.fake_cuda import machine  # which an older torch could not import

    return machine.played()
