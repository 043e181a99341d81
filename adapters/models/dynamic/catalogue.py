"""The dynamic networks by name, with what makes each and its recipes. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.models.trained.catalogue import Network
from adapters.models.trained.recipes import Recipe, Stage

_SKIPNET_DIGITS = Stage("supervised", 8, 0.05, settings={"penalty": 2.0, "target": 0.6})
_HYBRID_DIGITS = Stage(
    "hybrid reinforcement", 3, 0.01, settings={"alpha": 0.6, "reinforcement": 1.0}
)
_SKIPNET = Stage("supervised", 164, 0.1, weight_decay=1e-4)
"""64,000 updates of 128 images, as the authors' code has it."""
_HYBRID = Stage(
    "hybrid reinforcement",
    26,
    1e-4,
    weight_decay=1e-4,
    settings={"alpha": 0.1, "reinforcement": 0.01},
)
"""10,000 updates, by the same."""
_SKIPNET_9 = {"widths": (64, 128, 384), "units": (3, 3, 3), "stem": (4, 4)}
"""Nine wide blocks, since narrow ones spend their time on a CPU elsewhere than in convolutions; the
stem's steps are as long as a digit's pixel, enlarged four times, is wide."""
_SKIPNET_74 = {"widths": (16, 32, 64), "units": (12, 12, 12), "stem": (3, 1)}
"""Layers of convolution 6 * 12 + 2, on features as large as the image."""

NETWORKS: Mapping[str, Network] = {
    "skipnet": Network(
        "adapters.models.dynamic.skipnet:SkipNet",
        "Wang et al. 2018",
        digits=Recipe((_SKIPNET_DIGITS,)),
        photographs=Recipe((_SKIPNET,), batch=128),
        arguments=_SKIPNET_9,
    ),
    "skipnet_hrl": Network(
        "adapters.models.dynamic.skipnet:SkipNet",
        "Wang et al. 2018, hybrid reinforcement (HRL)",
        digits=Recipe((_SKIPNET_DIGITS, _HYBRID_DIGITS)),
        photographs=Recipe((_SKIPNET, _HYBRID), batch=128),
        arguments=_SKIPNET_9,
    ),
    "skipnet_hrl_adversarial": Network(
        "adapters.models.dynamic.skipnet:SkipNet",
        "Wang et al. 2018, HRL, adversarial images",
        digits=Recipe((_SKIPNET_DIGITS, _HYBRID_DIGITS), adversarial=16 / 255),
        photographs=Recipe((_SKIPNET, _HYBRID), batch=128, adversarial=8 / 255),
        arguments=_SKIPNET_9,
    ),
    "skipnet_74": Network(
        "adapters.models.dynamic.skipnet:SkipNet",
        "Wang et al. 2018, 74 layers",
        digits=Recipe((_SKIPNET_DIGITS,)),
        photographs=Recipe((_SKIPNET,), batch=128),
        arguments=_SKIPNET_74,
    ),
    "skipnet_74_hrl": Network(
        "adapters.models.dynamic.skipnet:SkipNet",
        "Wang et al. 2018, HRL, 74 layers",
        digits=Recipe((_SKIPNET_DIGITS, _HYBRID_DIGITS)),
        photographs=Recipe((_SKIPNET, _HYBRID), batch=128),
        arguments=_SKIPNET_74,
    ),
    "sact": Network(
        "adapters.models.dynamic.sact:Sact",
        "Figurnov et al. 2017",
        digits=Recipe((Stage("training", 6, 0.05, settings={"ponder": 0.02}),)),
        # 100,000 updates with tau = 0.01, by the authors' code.
        photographs=Recipe(
            (Stage("training", 256, 0.1, weight_decay=2e-4, settings={"ponder": 0.01}),), batch=128
        ),
    ),
    "shallow_deep": Network(
        "adapters.models.dynamic.shallow_deep:ShallowDeep",
        "Kaya et al. 2019",
        digits=Recipe((Stage("training", 5, 0.02, settings={"ceiling": 0.05}),)),
        photographs=Recipe((Stage("training", 100, 0.1, weight_decay=1e-4),), batch=128),
    ),
    "manidp": Network(
        "adapters.models.dynamic.manidp:ManiDp",
        "Tang et al. 2021",
        digits=Recipe(
            (
                Stage(
                    "pruning",
                    8,
                    0.05,
                    settings={"sparsity": 0.01, "similarity": 1.0, "remaining": 0.7, "rising": 0.5},
                ),
            )
        ),
        # Of the authors' code for a ResNet-56 on CIFAR-10, which starts from a trained network.
        photographs=Recipe(
            (
                Stage("training", 200, 0.1),
                Stage(
                    "pruning",
                    400,
                    0.05,
                    settings={
                        "sparsity": 5e-3,
                        "similarity": 1.0,
                        "simple": 0.5,
                        "remaining": 0.6,
                        "rising": 1.0,
                    },
                ),
            ),
            batch=128,
        ),
    ),
    "dvt": Network(
        "adapters.models.dynamic.dvt:Dvt",
        "Wang et al. 2021",
        digits=Recipe(
            (Stage("training", 8, 1.5e-3, "adam", 0.0, settings={"going_on": 0.55}),), batch=32
        ),
        # As a DeiT is trained, on which the paper's cascade is built (Touvron et al. 2021), without
        # the decay of AdamW.
        photographs=Recipe(
            (Stage("training", 300, 1e-3, "adam", 0.0, settings={"going_on": 0.5}),), batch=1024
        ),
    ),
    "avit": Network(
        "adapters.models.dynamic.avit:AVit",
        "Yin et al. 2022",
        digits=Recipe(
            (
                Stage("training", 5, 1.5e-3, "adam", 0.0),
                Stage(
                    "halting",
                    5,
                    1.5e-3,
                    "adam",
                    0.0,
                    settings={"ponder": 0.008, "prior": 0.02, "depth": 3.0},
                ),
            ),
            batch=32,
        ),
        # A DeiT's training, then that of A-ViT-T, whose tokens halt around layer 8 of 12.
        photographs=Recipe(
            (
                Stage("training", 300, 5e-4, "adam", 0.0),
                Stage(
                    "halting",
                    100,
                    5e-4,
                    "adam",
                    0.0,
                    settings={"ponder": 5e-4, "prior": 1e-3, "depth": 5 * 8 / 12},
                ),
            ),
            batch=512,
        ),
    ),
}
"""Every one, by the name that --models takes."""
