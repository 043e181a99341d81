"""torchattack's own attacks on a batch of images, for `--attack attack.py:NAME`."""

from __future__ import annotations

import torch
import torchattack

STEPS = 4
DEEPFOOL_STEPS = 2
DEEPFOOL_CLASSES = 5
NEIGHBOURS = 3
FEW = 2
"""Steps of VMI-FGSM and of each of `others`, and what these sum over in a step."""
OTHERS: dict[str, dict[str, int]] = {
    "BSR": {"steps": FEW, "num_scale": FEW},
    "DeCoWA": {"steps": FEW, "num_warping": FEW},
    "DIFGSM": {"steps": FEW},
    "FGSM": {},
    "MIFGSM": {"steps": FEW},
    "MIG": {"steps": FEW, "s_factor": FEW},
    "NIFGSM": {"steps": FEW},
    "PGDL2": {"steps": FEW},
    "SINIFGSM": {"steps": FEW, "m": FEW},
    "TIFGSM": {"steps": FEW},
    "VNIFGSM": {"steps": FEW, "n": FEW},
}


def pgd(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """PGD within 8/255.

    Args:
        model: a classifier.
        images: (N, C, H, W) in [0, 1].
        labels: (N,).

    Returns:
        The adversarial images.
    """
    attack = torchattack.PGD(model, device=images.device, steps=STEPS)
    adversarial: torch.Tensor = attack(images, labels)
    return adversarial.detach()


def vmifgsm(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """VMI-FGSM, whose steps look at the gradients of neighbours too; as `pgd`."""
    attack = torchattack.VMIFGSM(model, device=images.device, steps=FEW, n=NEIGHBOURS)
    adversarial: torch.Tensor = attack(images, labels)
    return adversarial.detach()


def deepfool(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """A few steps of DeepFool, a backward pass for each class and step; as `pgd`."""
    attack = torchattack.DeepFool(
        model, device=images.device, steps=DEEPFOOL_STEPS, num_classes=DEEPFOOL_CLASSES
    )
    adversarial: torch.Tensor = attack(images.clone(), labels)
    return adversarial


def others(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Each attack of OTHERS in turn; the mean of their images, so that one bit of one is seen."""
    total = torch.zeros_like(images)
    for name, settings in OTHERS.items():
        attack = getattr(torchattack, name)(model, device=images.device, **settings)
        total += attack(images.clone(), labels).detach()
    return total / len(OTHERS)
