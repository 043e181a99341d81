"""A small attack of our own, and changes planted in copies of it: harms, and one that is none."""

from __future__ import annotations

from dataclasses import dataclass

DISTRIBUTION = "planted-attacks"

BASE = '''\
"""Projected gradient descent, as many libraries have it."""

import torch

EPS, LENGTH, STEPS = 8 / 255, 2 / 255, 2


def gradient_of(loss, images):
    (gradient,) = torch.autograd.grad(loss, images)
    return gradient


def pgd(model, images, labels):
    adversarial = images.clone()
    for _ in range(STEPS):
        adversarial.requires_grad_()
        loss = torch.nn.functional.cross_entropy(model(adversarial), labels)
        gradient = gradient_of(loss, adversarial)
        moved = adversarial.detach() + LENGTH * gradient.sign()
        adversarial = (images + (moved - images).clamp(-EPS, EPS)).clamp(0, 1)
    return adversarial
'''

WAIT = 0.03
"""Share of its own time that the slowed attack waits; it computes nothing meanwhile."""


@dataclass(frozen=True)
class Change:
    """One planted change.

    Attributes:
        name: in a word or two.
        what: it does.
        harm: whether it costs anything.
        edits: pairs of a text in `BASE` and what stands in its place.
    """

    name: str
    what: str
    harm: bool
    edits: tuple[tuple[str, str], ...] = ()

    def text(self) -> str:
        """The attack with the change in it.

        Raises:
            ValueError: the attack has no such text, so that nothing would be changed.
        """
        text = BASE
        for old, new in self.edits:
            if old not in text:
                raise ValueError(f"{self.name}: the attack has no {old!r}")
            text = text.replace(old, new)
        return text


UNCHANGED = Change("no change", "a second copy", harm=False)

CHANGES = (
    Change(
        "extra forward pass",
        "each step also asks the model for the clean images' logits",
        harm=True,
        edits=(("        loss = ", "        model(images)\n        loss = "),),
    ),
    Change(
        "loss.backward()",
        "in place of torch.autograd.grad, so parameter gradients are computed too",
        harm=True,
        edits=(
            ("(gradient,) = torch.autograd.grad(loss, images)", "loss.backward()"),
            ("return gradient\n", "return images.grad\n"),
        ),
    ),
    Change(
        "numpy round trip",
        "each step's gradient goes to numpy and back",
        harm=True,
        edits=(("return gradient\n", "return torch.from_numpy(gradient.numpy().copy())\n"),),
    ),
    Change(
        "3 % wait",
        "the attack waits for 3 % of the time it took, busily",
        harm=True,
        edits=(
            ("import torch\n", "import time\n\nimport torch\n"),
            (
                "    adversarial = images.clone()\n",
                "    began = time.perf_counter()\n    adversarial = images.clone()\n",
            ),
            (
                "    return adversarial\n",
                f"    until = began + (1 + {WAIT}) * (time.perf_counter() - began)\n"
                "    while time.perf_counter() < until:\n        pass\n    return adversarial\n",
            ),
        ),
    ),
    Change(
        "rename",
        "functions, constants and variables get other names",
        harm=False,
        edits=(
            ("gradient_of", "input_gradient"),
            ("moved", "stepped"),
            ("LENGTH", "STEP_SIZE"),
        ),
    ),
)
