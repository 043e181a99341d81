"""Guidance through a U-Net: pix2pix-zero (Parmar et al., 2023), the whole pipeline of diffusers.

In every denoising step it moves the latents by the gradient of a loss on the cross-attention maps,
by `loss.backward()`. `prepare_unet` lets the cross-attention's weights require gradients, whatever
the caller froze, and only their inputs are moved: nobody reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers import DDIMScheduler, StableDiffusionPix2PixZeroPipeline, UNet2DConditionModel
from torch import Tensor, nn

CHANNELS, WIDTH, TOKENS, SIZE, STEPS = (64, 128), 64, 8, 16, 1
"""Of the U-Net's resolutions, of the text's embedding, tokens of a prompt, the latents' height and
width, denoising steps."""


@contextmanager
def kept_frozen(network: nn.Module) -> Iterator[None]:
    """While it lasts, a network is frozen as each of its forward passes begins."""

    def freeze(module: nn.Module, _inputs: object) -> None:
        module.requires_grad_(False)

    hook = network.register_forward_pre_hook(freeze)
    try:
        yield
    finally:
        hook.remove()


def network(seed: int) -> UNet2DConditionModel:
    """A conditional U-Net of two resolutions, with random weights.

    Args:
        seed: of the weights.
    """
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        sample_size=SIZE,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=CHANNELS,
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
    )


def setup(device: str = "cpu", batch: int = 1, seed: int = 0) -> dict[str, Any]:
    """The pipeline's call, from embeddings to latents: no text is encoded, no image decoded."""
    unet = network(seed).to(device).eval()
    pipeline = StableDiffusionPix2PixZeroPipeline(
        unet=unet,
        scheduler=DDIMScheduler(),
        requires_safety_checker=False,
        **dict.fromkeys(_UNUSED),
    )
    pipeline.set_progress_bar_config(disable=True)
    prompt, negative, source, target = torch.randn(4, batch, TOKENS, WIDTH).to(device)
    latents = torch.randn(batch, 4, SIZE, SIZE).to(device)

    def edit() -> Tensor:
        (found, _) = pipeline(
            prompt_embeds=prompt,
            negative_prompt_embeds=negative,
            source_embeds=source,
            target_embeds=target,
            latents=latents,
            height=SIZE,
            width=SIZE,
            num_inference_steps=STEPS,
            output_type="latent",
            return_dict=False,
        )
        return torch.as_tensor(found)

    def frozen() -> Tensor:
        with kept_frozen(unet):
            return edit()

    edit()  # so that the flags are what the pipeline makes of them
    unet.zero_grad(set_to_none=True)
    return {"call": edit, "foreign": unet, "frozen_call": frozen}


_UNUSED = (
    "vae",
    "text_encoder",
    "tokenizer",
    "feature_extractor",
    "safety_checker",
    "inverse_scheduler",
    "caption_generator",
    "caption_processor",
)
