"""A small Llama that classifies images: their patches are its tokens.

Its layers are those of large language models, linear ones and attention (Touvron et al. 2023), and
none is a convolution but the one that cuts an image into patches (Dosovitskiy et al. 2021). Logits
are made of the mean of what the tokens become.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from adapters.base import LibraryUnavailable, quiet

PATCH = 8
"""Side of a patch, in pixels."""
WIDTH = 128
LAYERS = 4
HEADS = 4
MOST_TOKENS = 4096


class SmallLlama(nn.Module):
    """Images (N, 3, H, W) to logits (N, classes).

    Args:
        llama: transformers' `LlamaModel`.
        classes: number of classes.
    """

    def __init__(self, llama: Any, classes: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.llama = llama
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        states = self.llama(inputs_embeds=tokens).last_hidden_state
        logits: Tensor = self.head(states.mean(dim=1))
        return logits


def build(classes: int | None) -> SmallLlama:
    """Build it, with weights from torch's current random state.

    Args:
        classes: number of classes; 10 if None.

    Raises:
        LibraryUnavailable: transformers can't be imported, or has no Llama.
    """
    try:
        with quiet():
            from transformers import LlamaConfig, LlamaModel
    except ImportError as error:
        raise LibraryUnavailable("transformers", error, "--upgrade transformers") from error
    config = LlamaConfig(
        vocab_size=1,
        bos_token_id=None,
        eos_token_id=None,
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=MOST_TOKENS,
        use_cache=False,
    )
    llama: Any = LlamaModel(config)
    llama.embed_tokens = nn.Identity()  # tokens come embedded, and no table of words is left over
    return SmallLlama(llama, classes or 10)
