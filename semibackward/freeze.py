"""Freeze a model's parameters for the length of a block: the semi-backward trick.

Full backward computes output gradients and parameter gradients; an attack reads neither
parameter gradient nor anything made from one. With the parameters frozen *before the forward
pass*, autograd builds no path to them and computes the output gradients alone: F + D in place of
F + D + W (Bu 2022, Facts 2.1 and 3.1), with the same perturbation gradient (eq. 4).
"""

import functools
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar, cast

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from semibackward import wrapped

Function = TypeVar("Function", bound=Callable[..., Any])
Undo = Callable[[], None]

_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


@dataclass
class _Held:
    """A parameter or embedding that at least one open block holds frozen."""

    thing: nn.Parameter | nn.Module  # kept alive, so that its id stays its own
    release: Callable[[], object]
    holders: int = 1


_held: dict[int, _Held] = {}
_lock = threading.RLock()


class semi_backward:  # noqa: N801 - used as a statement, like torch.no_grad
    """Freeze every parameter of the given models; a context manager and a decorator.

    >>> with semi_backward(model):            # frozen from here
    ...     adversarial = attack(images, labels)
    >>> loss(model(adversarial)).backward()   # parameter gradients are back

    - Freezing happens on entry, not on construction. On the way out, also after an exception,
      every flag this block changed gets its old value back; parameters that were frozen before
      stay frozen.
    - Blocks may nest, and may overlap (two generators, two threads): a parameter is held until
      the last block that froze it has ended.
    - `.grad` is neither read nor written.
    - Text models keep working: integer inputs carry no gradient, so while its weight is frozen the
      output of each `nn.Embedding` or `nn.EmbeddingBag` is made to require one.
    - As a decorator, a generator function is frozen only while its own code runs, not while it is
      suspended (as with `torch.no_grad`).

    Freezing is a property of the parameters, not of a thread: another thread that trains the same
    model at the same time would find it frozen.

    Raises:
        TypeError: no model was given, something is not an `nn.Module`, or an async function is
            decorated (use the `with` form inside it).
    """

    def __init__(self, *models: nn.Module) -> None:
        if not models:
            raise TypeError("semi_backward() needs the model to freeze: semi_backward(model)")
        for model in models:
            if not isinstance(model, nn.Module):
                raise TypeError(
                    f"semi_backward() freezes torch.nn.Module objects, got {type(model).__name__};"
                    " pass the module inside the wrapper, for instance classifier.model"
                )
        self._models = models
        self._open: list[list[Undo]] = []

    def __enter__(self) -> None:
        with _lock:
            undo = wrapped.guard(self._models)
            for model in self._models:
                # Embeddings first: freezing hides which of them were trainable.
                undo.extend(_hold_embeddings(model))
                undo.extend(_hold_parameters(model))
            self._open.append(undo)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _lock:
            for undo in reversed(self._open.pop()):
                undo()

    def __call__(self, function: Function) -> Function:
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"semi_backward() can't decorate the async function {function.__qualname__}: other"
                " tasks would find the model frozen; use `with semi_backward(model):` inside it"
            )
        if inspect.isgeneratorfunction(function):
            return _decorate_generator(function, self._models)

        @functools.wraps(function)
        def frozen(*args: Any, **kwargs: Any) -> Any:
            with semi_backward(*self._models):
                return function(*args, **kwargs)

        return frozen  # type: ignore[return-value]


def _hold_parameters(model: nn.Module) -> Iterator[Undo]:
    """Freeze the trainable parameters, and take a further hold of those held already."""
    for parameter in model.parameters():
        key, trainable = id(parameter), parameter.requires_grad
        held = _held.get(key)
        if trainable:
            parameter.requires_grad_(False)
        if held is not None:
            held.holders += 1
            # Somebody may have switched it on again since it was frozen: it goes back to that.
            yield functools.partial(_let_go, key, thaw=trainable)
        elif trainable:
            _held[key] = _Held(parameter, functools.partial(parameter.requires_grad_, True))
            yield functools.partial(_let_go, key)


def _hold_embeddings(model: nn.Module) -> Iterator[Undo]:
    """Make the outputs of trainable embeddings require a gradient while they are frozen."""
    for module in model.modules():
        if not isinstance(module, _EMBEDDINGS):
            continue
        if id(module) in _held:
            _held[id(module)].holders += 1
        elif module.weight.requires_grad or id(module.weight) in _held:  # tied, and frozen by us
            _held[id(module)] = _Held(module, _hook_first(module).remove)
        else:
            continue
        yield functools.partial(_let_go, id(module))


def _hook_first(module: nn.Module) -> RemovableHandle:
    """Register the output hook before every other, which may call `retain_grad()`."""
    handle = module.register_forward_hook(_require_gradient)
    hooks = cast("OrderedDict[int, Any]", module._forward_hooks)
    hooks.move_to_end(handle.id, last=False)  # prepend=True needs torch 2.0
    return handle


def _require_gradient(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor | None:
    if output.requires_grad or not torch.is_grad_enabled():
        return None
    # The clone is no leaf, so a model may still change its embeddings in place.
    return output.detach().requires_grad_().clone()


def _let_go(key: int, *, thaw: bool = False) -> None:
    """Give up one hold; the last one to go undoes the freezing."""
    held = _held[key]
    held.holders -= 1
    if held.holders == 0:
        del _held[key]
        held.release()
    elif thaw:
        held.thing.requires_grad_(True)


def _decorate_generator(function: Function, models: tuple[nn.Module, ...]) -> Function:
    @functools.wraps(function)
    def frozen(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        resume: Callable[[], Any] = functools.partial(next, generator)
        try:
            while True:
                try:
                    with semi_backward(*models):
                        value = resume()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield value
                    resume = functools.partial(generator.send, sent)
                except GeneratorExit:
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.throw, error)
        finally:
            with semi_backward(*models):
                generator.close()

    return frozen  # type: ignore[return-value]
