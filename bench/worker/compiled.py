"""What the backward pass of a compiled model computes and keeps: Dynamo and AOTAutograd at work on
the model of a run, without a code generator, and their graphs looked at and run as they are.

In eager mode autograd skips parameters that a call did not ask for. AOTAutograd decides when it
compiles, before anybody has asked: its backward graph computes the gradient of every input that
requires one. It keeps what that graph reads, less what is cheaper to compute again, by the
partition and the decompositions of torch's own compiler.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from bench.statistics.anatomy import CompiledBackward
from bench.variants import torch_compile
from bench.worker import dynamo, layers, memory
from bench.worker.calls import Call, intercepted
from bench.worker.memory import Unseen
from bench.worker.workload import Workload

_MASK = ("input", "weight", "bias")


def looked_at(workload: Workload, variant: str) -> CompiledBackward:
    """Let one run of a variant call its model compiled; never timed, and nothing of it stays.

    Args:
        workload: whose model is compiled, as the variant has it.
        variant: which.

    Raises:
        Unseen: this torch can't compile, or not this model.
    """
    dynamo.check(workload.model)  # what it imports is no doing of the run
    return workload.probe(variant, lambda run: watched(run, workload.model))


def watched(run: Callable[[], object], model: nn.Module) -> CompiledBackward:
    """Run it once, with the model compiled.

    Args:
        run: calls the model.
        model: whose outermost calls are compiled.

    Raises:
        Unseen: this torch can't compile, or not this model.
    """
    dynamo.check(model)
    watch = _Watch(model)
    with dynamo.compiling(watch) as compiled:

        def call(_: Any, forward: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            watch.begin(layers.addresses(layers.tensors((args, kwargs))))
            return compiled(forward, args, kwargs)

        try:
            with intercepted(model, call, names=("forward",), aside=True):
                run()
        except Exception as error:
            raise Unseen(f"it does not run compiled ({torch_compile.line(error)})") from error
        return watch.found()


@dataclass
class _Piece:
    """One graph that was compiled, with the graph of its backward pass.

    Attributes:
        outputs: of the forward graph, what each is called, and the type of the layer it is made in.
        read: what the backward graph reads, by name.
        computed: which of the forward graph's inputs it computes the gradient of, by position.
        masks: what its calls of `convolution_backward` compute.
        given: for each input of the forward graph the parameters of the model that it has been.
    """

    outputs: list[tuple[str, str]] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    computed: list[int] = field(default_factory=list)
    masks: Counter[str] = field(default_factory=Counter)
    given: dict[int, set[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Returned:
    """A storage that a forward graph returned, which its backward graph may read."""

    piece: _Piece
    name: str
    layer: str
    where: int
    size: int


class _Watch:
    """The backend that writes down what it is asked to compile, and when that runs."""

    def __init__(self, model: nn.Module) -> None:
        self._usual = type(model).__name__
        self._parameters = {
            parameter.data_ptr(): number
            for number, parameter in enumerate(model.parameters())
            if memory.has_storage(parameter) and parameter.numel()
        }
        self._own = layers.addresses([*model.parameters(), *model.buffers()])
        self._gradients: set[int] = set()
        self._masks: Counter[str] = Counter()
        self._calls = 0
        self._inputs: set[int] = set()
        self._ran: list[_Piece] = []
        self._returned: list[_Returned] = []
        self._pieces = 0
        self._saved: dict[str, int] = {}

    def __call__(self, graph: Any, inputs: Sequence[Any], **options: Any) -> Any:
        """Compile one graph, as Dynamo asks a backend to."""
        from torch._dynamo.backends.common import aot_autograd
        from torch._functorch.partitioners import min_cut_rematerialization_partition
        from torch._inductor.decomposition import select_decomp_table

        piece = _Piece()
        backend = aot_autograd(
            fw_compiler=functools.partial(self._forward, piece),
            bw_compiler=functools.partial(self._backward, piece),
            inference_compiler=lambda graph, _: _boxed(lambda args: graph.forward(*args)),
            partition_fn=functools.partial(
                min_cut_rematerialization_partition, compiler="inductor"
            ),
            decompositions=select_decomp_table(),
        )
        return backend(graph, inputs, **options)

    def begin(self, inputs: set[int]) -> None:
        """A call of the model begins.

        Args:
            inputs: addresses of what it is given.
        """
        self._end()
        self._calls += 1
        self._inputs = inputs

    def found(self) -> CompiledBackward:
        """What was seen.

        Raises:
            Unseen: nothing was compiled.
        """
        self._end()
        if not self._calls:
            raise Unseen("it is not the model itself that is called")
        if not self._pieces:
            raise Unseen("torch.compile made no graph of it that leads to a gradient")
        return CompiledBackward(
            len(self._gradients), self._pieces, dict(self._masks), dict(self._saved)
        )

    def _end(self) -> None:
        """A call is over, and so is its backward pass, which may be compiled only then."""
        uncounted = self._own | self._inputs
        by_storage = {
            one.where: (one.layer, one.size)
            for one in reversed(self._returned)
            if one.where not in uncounted and one.name in one.piece.read
        }
        self._saved = layers.fuller(self._saved, by_storage.values())
        self._pieces = max(self._pieces, len(self._ran))
        self._ran, self._returned = [], []

    def _forward(self, piece: _Piece, graph: Any, _: Any) -> Any:
        piece.outputs = [
            (getattr(node, "name", ""), _layer(node, self._usual)) for node in _outputs(graph)
        ]

        def run(args: list[Any]) -> Any:
            for position, arg in enumerate(args):
                number = self._number(arg)
                if number is not None:
                    piece.given.setdefault(position, set()).add(number)
            made = graph.forward(*args)
            self._ran.append(piece)
            self._returned += _storages(piece, made)
            return made

        return _boxed(run)

    def _backward(self, piece: _Piece, graph: Any, _: Any) -> Any:
        piece.read = {node.name for node in graph.graph.nodes if node.op == "placeholder"}
        piece.computed = [n for n, node in enumerate(_outputs(graph)) if node is not None]
        piece.masks = _masks(graph)

        def run(args: list[Any]) -> Any:
            for position in piece.computed:
                self._gradients |= piece.given.get(position, set())
            self._masks += piece.masks
            return graph.forward(*args)

        return _boxed(run)

    def _number(self, arg: Any) -> int | None:
        """Which of the model's parameters an argument is."""
        if not isinstance(arg, Tensor) or not memory.has_storage(arg) or not arg.numel():
            return None
        return self._parameters.get(arg.data_ptr())


def _storages(piece: _Piece, made: Sequence[Any]) -> Iterator[_Returned]:
    for (name, layer), tensor in zip(piece.outputs, made, strict=True):
        if isinstance(tensor, Tensor) and memory.has_storage(tensor):
            yield _Returned(piece, name, layer, *memory.storage(tensor))


def _boxed(run: Callable[[list[Any]], Any]) -> Any:
    """As AOTAutograd calls a compiled graph: with a list, which is to be empty afterwards."""

    def boxed(args: list[Any]) -> Any:
        made = run(args)
        args.clear()
        return made

    boxed._boxed_call = True  # type: ignore[attr-defined]
    return boxed


def _outputs(graph: Any) -> Sequence[Any]:
    """What a graph returns, in its order; None where it returns nothing."""
    node = next(node for node in reversed(graph.graph.nodes) if node.op == "output")
    found: Sequence[Any] = node.args[0]
    return found


def _layer(node: Any, usual: str) -> str:
    """The type of the innermost module that a value is made in."""
    stack = getattr(node, "meta", {}).get("nn_module_stack") or {}
    if not stack:
        return usual
    *_, (_, kind) = stack.values()
    return getattr(kind, "__name__", str(kind).rpartition(".")[2])


def _masks(graph: Any) -> Counter[str]:
    """What the graph's calls of `convolution_backward` compute."""
    found: Counter[str] = Counter()
    for node in graph.graph.nodes:
        if node.op == "call_function" and "convolution_backward" in str(node.target):
            asked = zip(_MASK, node.args[-1], strict=True)
            found[", ".join(gradient for gradient, wanted in asked if wanted)] += 1
    return found
