"""The workloads that come with the program, by name. Imports no torch, and no library.

They are real parts of libraries, with networks that they only pass through. Weights are random,
from a configuration and a seed; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.workloads.declared import Shipped

_HERE = "adapters.workloads.shipped"

WORKLOADS: Mapping[str, Shipped] = {
    "sac": Shipped(
        setup=f"{_HERE}.sac:setup",
        what="the actor's step of soft actor-critic, through both critics",
        distribution="stable-baselines3",
        wasted="the gradients of the critics' parameters by the actor's loss",
        needs={"stable_baselines3": "stable-baselines3", "gymnasium": "gymnasium"},
    ),
    "gan": Shipped(
        setup=f"{_HERE}.gan:setup",
        what="a step of DCGAN's generator, through its discriminator",
        distribution="torch",
        wasted="the gradients of the discriminator's parameters by the generator's loss",
    ),
    "grad-cam": Shipped(
        setup=f"{_HERE}.grad_cam:setup",
        what="Grad-CAM of a ResNet-18's last block",
        distribution="grad-cam",
        wasted="a gradient but that of the layer's output",
        needs={"pytorch_grad_cam": "grad-cam", "torchvision": "torchvision"},
    ),
    "guidance": Shipped(
        setup=f"{_HERE}.guidance:setup",
        what="pix2pix-zero: latents guided by a loss of a U-Net's cross-attention",
        distribution="diffusers",
        wasted="the gradients of the U-Net's parameters",
        needs={"diffusers": "diffusers", "transformers": "transformers"},
    ),
    "forces": Shipped(
        setup=f"{_HERE}.forces:setup",
        what="energies and forces of molecules by an ANI-style potential",
        distribution="torchani",
        wasted="it asks autograd.grad for the coordinates' gradient alone",
        gradient_call="autograd.grad",
        needs={"torchani": "torchani"},
    ),
    "style": Shipped(
        setup=f"{_HERE}.style:setup",
        what="a step of style transfer, through the first five convolutions of VGG-19",
        distribution="torchvision",
        wasted="the gradients of VGG's parameters, which PyTorch's tutorial freezes by now",
        needs={"torchvision": "torchvision"},
    ),
    "actor": Shipped(
        setup=f"{_HERE}.actor:setup",
        what="an actor's step through two critics, in plain torch",
        distribution="torch",
        wasted="the gradients of both critics' parameters",
    ),
}
