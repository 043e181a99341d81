"""torchattacks: one class per attack, gradients by `torch.autograd.grad` in most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adapters.declared import Build, DeclaredAdapter, Request
from adapters.libraries.declared.torchattacks import ATTACKS, LEFT_OUT

if TYPE_CHECKING:
    from torch import Tensor

    from adapters.base import AttackFunction


def _made(request: Request) -> Any:
    return request.make(request.model, **request.keywords)


def _apgd(request: Request) -> AttackFunction:
    return _detached(_made(request))


def _autoattack(request: Request) -> AttackFunction:
    steps = request.keywords.pop("steps", None)
    attacker = _made(request)
    if steps is not None:  # the constructor takes none
        *others, square = attacker._autoattack.attacks
        for other in others:
            other.steps = steps
        square.n_queries = steps
    return _detached(attacker)


def _detached(attacker: AttackFunction) -> AttackFunction:
    """What the attack gives, which still requires a gradient, without one."""
    return lambda images, labels: attacker(images, labels).detach()


def _multiattack(request: Request) -> AttackFunction:
    import torchattacks

    two = [torchattacks.PGD(request.model, **request.keywords) for _ in range(2)]
    attacker: AttackFunction = request.make(two)
    return attacker


def _jsma(request: Request) -> AttackFunction:
    attacker = _made(request)

    def next_class(_: Tensor, labels: Tensor) -> Tensor:
        return request.next_class(labels)

    # What it does by itself, but for the number of classes, which it takes to be 10.
    attacker.set_mode_targeted_by_function(next_class, quiet=True)
    found: AttackFunction = attacker
    return found


def _sparsefool(request: Request) -> AttackFunction:
    attacker = _made(request)
    if request.settings.steps is not None:
        attacker.deepfool.steps = request.settings.steps
    found: AttackFunction = attacker
    return found


class Torchattacks(DeclaredAdapter):
    """PGD does exactly `steps` forward and backward passes."""

    name = "torchattacks"
    distribution = "torchattacks"
    modules = ("torchattacks",)
    table = ATTACKS
    left_out = LEFT_OUT
    builders: ClassVar[Mapping[str, Build]] = {
        "APGD": _apgd,
        "APGDT": _apgd,
        "AutoAttack": _autoattack,
        "JSMA": _jsma,
        "MultiAttack": _multiattack,
        "SparseFool": _sparsefool,
    }

    def build_usual(self, request: Request) -> AttackFunction:
        attacker: AttackFunction = _made(request)
        return attacker
