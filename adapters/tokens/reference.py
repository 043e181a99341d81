"""Greedy coordinate gradient (Zou et al. 2023, arXiv 2307.15043, algorithm 1), written by us, and
its first half alone.

Both start from a suffix of equal tokens between a prompt and the answer that is to follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from adapters.tokens.base import Step

if TYPE_CHECKING:
    from adapters.reference import Gradient
    from adapters.tokens.base import Tell, TokenSettings
    from adapters.tokens.models import LanguageModel
    from adapters.tokens.prompts import Prompt

_START = " !"
"""What a suffix is made of at first, as in the paper."""


@dataclass(frozen=True)
class Sought:
    """A prompt in tokens, on the device, and whose answer is sought.

    Attributes:
        model: what is attacked.
        before: ids of the prompt, (tokens,).
        start: ids of the first suffix, (tokens,).
        target: ids of the answer, (tokens,).
        forbidden: ids that no suffix may have.
    """

    model: LanguageModel
    before: Tensor
    start: Tensor
    target: Tensor
    forbidden: Tensor

    def loss(self, logits: Tensor) -> Tensor:
        """Mean negative log-likelihood of the answer, (N,), of logits (N, tokens, vocabulary)."""
        last = logits[:, -len(self.target) - 1 : -1].transpose(1, 2)
        wanted = self.target.expand(len(logits), -1)
        return functional.cross_entropy(last, wanted, reduction="none").mean(dim=1)


def sought(model: LanguageModel, prompt: Prompt, settings: TokenSettings) -> Sought:
    """A prompt, ready to be attacked."""
    coder, device = model.tokenizer, settings.device

    def ids(text: str, *, special: bool) -> Tensor:
        found: Any = coder(text, add_special_tokens=special)["input_ids"]
        return torch.tensor(found, dtype=torch.int64, device=device)

    first = ids(_START, special=False)[-1:]
    known = torch.arange(model.vocabulary, device=device)
    special = torch.tensor(coder.all_special_ids, dtype=torch.int64, device=device)
    return Sought(
        model=model,
        before=ids(prompt.text, special=True),
        start=first.repeat(settings.suffix),
        target=ids(f" {prompt.target}", special=False),
        forbidden=known[(known >= len(coder)) | torch.isin(known, special)],
    )


def token_gradient(found: Sought, suffix: Tensor, gradient: Gradient) -> tuple[Tensor, Tensor]:
    """One forward and one backward pass.

    Args:
        found: the prompt.
        suffix: ids, (tokens,).
        gradient: how to ask for the loss's gradient with respect to the suffix as one-hot rows.

    Returns:
        the gradient, (tokens, vocabulary), and the loss, (1,).
    """
    network: Any = found.model.model
    layer = found.model.embedding
    rows = torch.zeros(
        len(suffix), layer.weight.shape[0], dtype=layer.weight.dtype, device=suffix.device
    ).scatter_(1, suffix[:, None], 1)
    before, target = (layer.weight.detach()[ids] for ids in (found.before, found.target))
    told: list[Tensor] = []

    def loss(one_hot: Tensor) -> Tensor:
        embedded = torch.cat([before, one_hot @ layer.weight, target])
        value = found.loss(network(inputs_embeds=embedded[None]).logits)
        told.append(value.detach())
        return value.sum()

    return gradient(loss, rows), told[0]


def candidate_losses(found: Sought, candidates: Tensor, batch: int) -> Tensor:
    """The loss of each candidate suffix, by forward passes alone.

    Args:
        found: the prompt.
        candidates: ids, (candidates, tokens).
        batch: candidates that one pass takes.

    Returns:
        (candidates,)
    """
    network: Any = found.model.model
    losses = []
    with torch.no_grad():
        for part in candidates.split(batch):
            before, target = (ids.expand(len(part), -1) for ids in (found.before, found.target))
            logits = network(input_ids=torch.cat([before, part, target], dim=1)).logits
            losses.append(found.loss(logits))
    return torch.cat(losses)


def promising(found: Sought, gradient: Tensor, top_k: int) -> Tensor:
    """The tokens of each place by which the loss falls most, to first order: (tokens, top_k)."""
    falls = -gradient.index_fill(1, found.forbidden, float("inf"))
    return falls.topk(top_k, dim=1).indices


def greedy_coordinate_gradient(
    found: Sought, gradient: Gradient, settings: TokenSettings, tell: Tell | None = None
) -> Tensor:
    """Algorithm 1: each step draws candidates that differ in one token, and takes the best.

    Args:
        found: the prompt.
        gradient: how to ask for a loss's gradient; one of `adapters.reference.by_…`.
        settings: steps, candidates, their batch, and k.
        tell: told of each step.

    Returns:
        ids of the last suffix, (tokens,).
    """
    suffix = found.start
    for _ in range(settings.steps):
        slopes, _ = token_gradient(found, suffix, gradient)
        there = promising(found, slopes, settings.top_k)
        candidates = _drawn(suffix, there, settings.candidates)
        losses = candidate_losses(found, candidates, settings.candidate_batch)
        suffix = candidates[losses.argmin()]
        if tell is not None:
            tell(Step(candidates, losses, suffix))
    return suffix


def _drawn(suffix: Tensor, there: Tensor, count: int) -> Tensor:
    """Copies of a suffix, one token of each replaced: place and token are drawn evenly."""
    places = torch.randint(len(suffix), (count, 1), device=suffix.device)
    which = torch.randint(there.shape[1], (count, 1), device=suffix.device)
    tokens = there[places, which]
    return suffix.repeat(count, 1).scatter_(1, places, tokens)


def gradient_flips(
    found: Sought, gradient: Gradient, settings: TokenSettings, tell: Tell | None = None
) -> Tensor:
    """The token gradient alone: each step makes the one replacement by which the loss falls most to
    first order, and tries none (Ebrahimi et al. 2018).

    Args:
        found, gradient, settings, tell: as `greedy_coordinate_gradient` has them; of the settings
            only steps and k count.

    Returns:
        ids of the last suffix, (tokens,).
    """
    suffix = found.start
    for _ in range(settings.steps):
        slopes, loss = token_gradient(found, suffix, gradient)
        there = promising(found, slopes, settings.top_k)
        here = slopes.gather(1, suffix[:, None])
        gain = (here - slopes.gather(1, there[:, :1]))[:, 0]
        place = gain.argmax()
        suffix = suffix.clone()
        suffix[place] = there[place, 0]
        if tell is not None:
            tell(Step(there, loss, suffix))
    return suffix
