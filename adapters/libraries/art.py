"""Adversarial Robustness Toolbox: numpy in, numpy out, gradients by `loss.backward()`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.base import Adapter, AttackInfo, Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction


class Art(Adapter):
    """PGD does `steps` forward and backward passes, and two forward passes more, one on the clean
    and one on the adversarial images, for a success rate that it logs. Images cross from torch to
    numpy and back once; a user of ART pays for that too. Labels are given as class numbers."""

    name = "art"
    distribution = "adversarial-robustness-toolbox"
    dtypes = frozenset({"float32"})  # ART casts every array to its ART_NUMPY_DTYPE
    devices = frozenset({"cpu", "cuda"})

    def attacks(self) -> Mapping[str, AttackInfo]:
        return {
            "pgd": AttackInfo(
                "Linf",
                "white-box",
                100,
                "art.attacks.evasion.ProjectedGradientDescent",
                "backward",
                extra_work="two forward passes to log a success rate",
            )
        }

    def import_library(self) -> None:
        import art.attacks.evasion
        import art.estimators.classification  # noqa: F401

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        import torch
        from art.attacks.evasion import ProjectedGradientDescent
        from art.estimators.classification import PyTorchClassifier

        # ART means torch's current CUDA device by "gpu".
        on_gpu = settings.device.startswith("cuda")
        classifier = PyTorchClassifier(
            model,
            loss=torch.nn.CrossEntropyLoss(),
            input_shape=settings.input_shape,
            nb_classes=settings.classes,
            clip_values=(0.0, 1.0),
            device_type="gpu" if on_gpu else "cpu",
        )
        attacker = ProjectedGradientDescent(
            classifier,
            eps=settings.eps,
            eps_step=settings.step_size,
            max_iter=settings.steps,
            num_random_init=int(settings.random_start),
            batch_size=settings.batch,
            verbose=False,
        )

        def run(images: Tensor, labels: Tensor) -> Tensor:
            adversarial = attacker.generate(images.cpu().numpy(), labels.cpu().numpy())
            return torch.from_numpy(adversarial).to(images.device)

        return run
