"""TextAttack's wrapper around a model of transformers, with its books kept. Imports TextAttack.

What it computes is TextAttack's own; it passes each call through `record_invoke`, as OpenAttack's
victims do, where a ledger can stand (`adapters.text.queries`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from textattack.models.wrappers import HuggingFaceModelWrapper, ModelWrapper
from textattack.shared import AttackedText


def get_prob(wrapper: Any, texts: list[str]) -> Any:
    """The logits of sentences, by forward passes under `no_grad`."""
    return HuggingFaceModelWrapper.__call__(wrapper, texts)


def get_grad(wrapper: Any, texts: list[str]) -> Any:
    """Ids and gradients of one sentence, by two forward passes and a backward pass."""
    return HuggingFaceModelWrapper.get_grad(wrapper, *texts)


class CountedWrapper(HuggingFaceModelWrapper):  # type: ignore[misc]
    """`HuggingFaceModelWrapper` whose calls can be counted, and ended."""

    def record_invoke(self, count: int, method: Callable[..., Any], *args: Any) -> Any:
        """Where a ledger stands in; without one, the call itself."""
        return method(self, *args)

    def __call__(self, texts: list[str]) -> Any:
        return self.record_invoke(len(texts), get_prob, list(texts))

    def get_grad(self, text: str) -> Any:
        return self.record_invoke(1, get_grad, [text])


class ByWord(ModelWrapper):  # type: ignore[misc]
    """A wrapper whose gradients come by word, for HotFlip.

    TextAttack's `WordSwapGradientBased` takes the nth row of the gradients for the nth word, which
    holds for its own LSTM only. Here the row of a word is that of its first piece.

    Args:
        wrapper: around a model of transformers.
    """

    def __init__(self, wrapper: CountedWrapper) -> None:
        self.model = wrapper.model
        self.tokenizer = _NamesWords(wrapper.tokenizer)
        self._wrapper = wrapper

    def __call__(self, texts: list[str], **options: Any) -> Any:
        return self._wrapper(texts, **options)

    def get_grad(self, text: str) -> dict[str, Any]:
        """Of each word the id of its first piece, and the gradient at it, (words, width)."""
        found = self._wrapper.get_grad(text)
        pieces = AttackedText(text).align_with_model_tokens(self._wrapper)
        firsts: list[int] = []
        for number in sorted(pieces):
            if not pieces[number]:  # cut off, or of letters that the tokenizer does not know
                break
            firsts.append(pieces[number][0])
        rows = numpy.array(firsts, dtype="int64")
        return {"ids": found["ids"][0].cpu().numpy()[rows], "gradient": found["gradient"][rows]}


class _NamesWords:
    """A tokenizer that also answers to the name by which TextAttack asks for a word.

    Its pieces that are no words have no letter, so that none is put in the place of a word.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def convert_id_to_word(self, number: int) -> str:
        word: str = self._tokenizer.convert_ids_to_tokens(number)
        if word.startswith("##") or word in self._tokenizer.all_special_tokens:
            return ""
        return word.lstrip("Ġ▁")
