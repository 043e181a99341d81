"""Put a model into a variant's state. What the variants are made of is in `bench.variants`."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn

from adapters.base import UnsupportedSettings
from bench.variants import naming
from bench.variants.base import Way
from bench.worker.calls import Call, intercepted


class Shaped:
    """A model shaped into a variant: made once, entered around each run.

    Args:
        variant: by its name.
        model: which; it stays as it is but inside of `applied`.
        example: a batch as the attack passes it to the model; None for variants that need none.

    Attributes:
        ready: whether it needs no first run to be made ready.

    Raises:
        UnsupportedSettings: a part can't do that to this model, here, with the reason.
        KeyError: there is no such variant.
    """

    def __init__(self, variant: str, model: nn.Module, example: Tensor | None = None) -> None:
        parts = naming.parts_of(variant)
        self.ready = naming.ready_at_once(variant)
        self._model = model
        # What `Module.compile` has compiled is not its `forward`, but all that a call does.
        whole = getattr(model, "_compiled_call_impl", None) is not None
        self._names = ("__call__", "forward") if whole else ("forward",)
        self._original: Call = model.__call__ if whole else model.forward
        self._found: Call = self._original
        self._base = self._call_found if self.ready else self._original
        device = "cpu" if example is None else str(example.device)
        self._way = Way(model, example, device, self._base)
        try:
            for part in parts:
                lacking = part.lacks(device)
                if lacking is not None:
                    raise UnsupportedSettings(f"{part.name}: {lacking}")
                part.shape(self._way)
        finally:
            self._way.leave()

    @property
    def compilations(self) -> int:
        """Graphs that have been compiled or captured for it so far."""
        return self._way.compilations

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The block inside which the model is in the variant's state."""
        with contextlib.ExitStack() as stack:
            for block in self._way.blocks:
                stack.enter_context(block())
            if self._way.forward is not self._base:
                stack.enter_context(intercepted(self._model, self._call, names=self._names))
            yield

    def _call(self, _: Any, found: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self.ready and not _same(found, self._original):
            raise UnsupportedSettings(
                "the attack puts something of its own in place of the model's forward pass, which"
                " was compiled or captured as it was before"
            )
        before, self._found = self._found, found
        try:
            return self._way.forward(*args, **kwargs)
        finally:
            self._found = before

    def _call_found(self, *args: Any, **kwargs: Any) -> Any:
        return self._found(*args, **kwargs)


def applied(variant: str, model: nn.Module) -> contextlib.AbstractContextManager[None]:
    """The block inside which the model is in the state of a variant that needs no making ready.

    Raises:
        KeyError: there is no such variant.
    """
    return Shaped(variant, model).applied()


def _same(found: Callable[..., Any], original: Callable[..., Any]) -> bool:
    """Whether a call is the original, perhaps behind an instrument of ours."""
    found = inspect.unwrap(found)
    return getattr(found, "__func__", found) is getattr(original, "__func__", original)
