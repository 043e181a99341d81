"""Freeze a model's parameters for the length of a block: the semi-backward trick.

Full backward computes output gradients and parameter gradients; an attack reads neither
parameter gradient nor anything made from one. With the parameters frozen *before the forward
pass*, autograd builds no path to them and computes the output gradients alone: F + D in place of
F + D + W (Bu 2022, Facts 2.1 and 3.1), with the same perturbation gradient (eq. 4).
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, MutableMapping
from types import TracebackType
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from semibackward import guards, stale, unregistered, wrapped
from semibackward.embeddings import hold_embeddings
from semibackward.holding import Undo, hold, holds, lock, undo_all
from semibackward.modes import hold_modes

Function = TypeVar("Function", bound=Callable[..., Any])


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
    - The perturbation gradient is the same in real numbers; in floating point it is bit for bit
      the same where each layer's backward pass is the same kernel for frozen and for trainable
      parameters. With every attack and model measured on a CPU it was; on CUDA, by PyTorch's
      source, batch norm in evaluation mode rounds otherwise. `examine(model, inputs)` looks.
    - Text models keep working: integer inputs carry no gradient, so while its weight is frozen the
      output of each `nn.Embedding` or `nn.EmbeddingBag` is made to require one.
    - As a decorator, a generator function is frozen only while its own code runs, not while it is
      suspended (as with `torch.no_grad`).
    - Modes stay as they are: in training mode batch norm moves its statistics and dropout draws,
      as without a block. With `evaluating=True` every module is in evaluation mode inside the
      block (recurrent layers in training mode without dropout, which is the same and which cuDNN
      can differentiate), and each gets its own mode back.
    - Modules added inside the block are not frozen; a parameter put in the place of a frozen one
      (`.to()`, `load_state_dict(assign=True)`) is trainable after it. Copies made inside, by
      `copy.deepcopy` or pickle, stay frozen: `copy.requires_grad_(True)`.
    - A loss computed inside carries no gradient to the parameters, wherever its `backward()` is
      called: compute the loss to train with after the block.

    Freezing is a property of the parameters, not of a thread: another thread that trains the same
    model at the same time would find it frozen.

    Raises:
        TypeError: no model was given, something is not an `nn.Module`, or an async function is
            decorated (use the `with` form inside it).
        RuntimeError: on entry, if parameters were made in inference mode, or if parametrised
            weights are being cached. Inside the block, what would train nothing and say nothing:
            `backward()` of a graph built before the block, and, from torch 2.0 on, the `step()`
            of an optimizer that holds frozen parameters.
    """

    def __init__(self, *models: nn.Module, evaluating: bool = False) -> None:
        if not models:
            raise TypeError("semi_backward() needs the model to freeze: semi_backward(model)")
        for model in models:
            if not isinstance(model, nn.Module):
                raise TypeError(
                    f"semi_backward() freezes torch.nn.Module objects, got {type(model).__name__};"
                    " pass the module inside the wrapper, for instance classifier.model"
                )
        self._models = models
        self._evaluating = evaluating
        self._open: list[tuple[int, list[Undo]]] = []

    def __enter__(self) -> None:
        with lock:
            guards.refuse_cached_weights(self._models)
            undo: list[Undo] = [guards.open_block()]
            once = stale.Once()
            try:
                undo.extend(wrapped.guard(self._models))
                each = [list(model.modules()) for model in self._models]
                unregistered.check(self._models, [m for modules in each for m in modules])
                for modules in each:
                    # Embeddings first: freezing hides which of them were trainable.
                    undo.extend(hold_embeddings(modules))
                    undo.extend(_hold_parameters(modules, once))
                    if self._evaluating:
                        undo.extend(hold_modes(modules))
            except BaseException:
                undo_all(undo)
                raise
            self._open.append((threading.get_ident(), undo))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            stale.explain(error, trace)
        with lock:
            # What this thread entered last; a generator may be closed by another thread.
            me = threading.get_ident()
            mine = [i for i, (thread, _) in enumerate(self._open) if thread == me]
            undo_all(self._open.pop(mine[-1] if mine else -1)[1])

    def __call__(self, function: Function) -> Function:
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"semi_backward() can't decorate the async function {function.__qualname__}: other"
                " tasks would find the model frozen; use `with semi_backward(model):` inside it"
            )
        if inspect.isgeneratorfunction(function):
            return _decorate_generator(function, self._again)

        @functools.wraps(function)
        def frozen(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return frozen  # type: ignore[return-value]

    def _again(self) -> semi_backward:
        return semi_backward(*self._models, evaluating=self._evaluating)


@contextlib.contextmanager
def own_parameters_frozen(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Freeze these modules' own parameters, and none of what they contain, inside the block."""
    undo: list[Undo] = []
    try:
        with lock:
            own = list(modules)
            undo.append(guards.open_block())
            undo.extend(hold_embeddings(own))
            undo.extend(_hold_parameters(own))
        yield
    finally:
        with lock:
            undo_all(undo)


def _hold_parameters(modules: list[nn.Module], once: stale.Once | None = None) -> Iterator[Undo]:
    """Freeze the trainable parameters, and take a further hold of those held already.

    Args:
        modules: whose.
        once: for the warning that an old `.grad` is read; None to give none.
    """
    places: dict[int, list[_Slot]] = {}
    for module in modules:
        for name, parameter in module._parameters.items():
            if parameter is not None:
                places.setdefault(id(parameter), []).append((module._parameters, name, parameter))
    with torch.inference_mode(False), torch.enable_grad():  # to see the parameters' graph nodes
        for slots in places.values():
            undo = hold("parameter", slots[0][2], _freeze(slots, once))
            if undo is not None:
                yield undo


_Slot = tuple[MutableMapping[str, Any], str, torch.Tensor]
"""A module's parameters, a name among them, and the parameter that has it."""


def _freeze(slots: list[_Slot], once: stale.Once | None) -> Undo | None:
    """Freeze one parameter; what thaws it, or None if it was frozen."""
    parameter = slots[0][2]
    if not parameter.requires_grad:
        return None
    if is_lazy(parameter):
        parameter.requires_grad = False  # requires_grad_() is forbidden as yet
        return functools.partial(_thaw, slots, None, None)
    if parameter.is_inference():
        raise RuntimeError(
            "semi_backward() can't thaw a parameter that was made in torch.inference_mode(); make"
            " the model outside of it, under torch.no_grad() if need be"
        )
    node = guards.accumulator(parameter)
    parameter.requires_grad_(False)
    lost = None if node is None else guards.refuse_lost_gradients(parameter, node)
    old = None if once is None else stale.watch(parameter, once)
    return functools.partial(_thaw, slots, lost, old)


def _thaw(slots: list[_Slot], lost: Undo | None, old: Undo | None) -> None:
    if lost is not None:
        lost()
    if old is not None:
        old()
    for parameters, name, parameter in slots:
        parameter.requires_grad = True
        # `.to()` or `load_state_dict(assign=True)` may have put another in its place, frozen too.
        now = parameters.get(name) if isinstance(parameters, dict) else None
        if now is None or now is parameter or holds("parameter", now):
            continue
        now.requires_grad_(now.requires_grad or now.is_floating_point())


def _decorate_generator(function: Function, block: Callable[[], semi_backward]) -> Function:
    @functools.wraps(function)
    def frozen(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        resume: Callable[[], Any] = functools.partial(next, generator)
        try:
            while True:
                try:
                    with block():
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
            with block():
                generator.close()

    return frozen  # type: ignore[return-value]
