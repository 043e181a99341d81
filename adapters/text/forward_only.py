"""OpenAttack's classifier without the backward passes that nobody reads. Imports OpenAttack.

    from adapters.text.forward_only import ForwardOnlyClassifier

    victim = ForwardOnlyClassifier(model, tokenizer, model.get_input_embeddings())

takes the place of `OpenAttack.classifiers.TransformersClassifier`.
"""

from __future__ import annotations

from typing import Any

import numpy
import torch
from OpenAttack.utils import HookCloser
from OpenAttack.victim.classifiers import TransformersClassifier


class ForwardOnlyClassifier(TransformersClassifier):  # type: ignore[misc]
    """Answers `get_pred` and `get_prob` by a forward pass alone, padded as OpenAttack pads.

    OpenAttack's own `get_prob` calls `get_grad` and drops the gradient. Here `get_grad` is left as
    it is, for attacks that read one.
    """

    def __init__(self, model: Any, tokenizer: Any, embedding_layer: Any, **options: Any) -> None:
        super().__init__(model, tokenizer, embedding_layer, **options)
        self.hook.remove()  # it asks for a gradient to be kept, in every forward pass
        self._subwords = tokenizer

    def get_prob(self, input_: list[str]) -> Any:
        """Probabilities of the classes, (sentences, classes), as numpy."""
        tokenizer = self._subwords
        read = [tokenizer.tokenize(text)[: self.max_length - 2] for text in input_]
        length = max(map(len, read)) + 2
        ids = numpy.full((len(read), length), tokenizer.pad_token_id, dtype="int64")
        mask = numpy.zeros((len(read), length), dtype="int64")
        for row, tokens in enumerate(read):
            known = tokenizer.convert_tokens_to_ids(tokens)
            ids[row, : len(known) + 2] = [tokenizer.cls_token_id, *known, tokenizer.sep_token_id]
            mask[row, : len(known) + 2] = 1
        found = []
        with torch.inference_mode():
            for start in range(0, len(read), self.batch_size):
                part = slice(start, start + self.batch_size)
                logits = self.model(
                    input_ids=torch.from_numpy(ids[part]).to(self.device),
                    attention_mask=torch.from_numpy(mask[part]).to(self.device),
                ).logits
                found.append(torch.softmax(logits, dim=-1).cpu())
        return torch.cat(found).numpy()

    def get_grad(self, input_: list[list[str]], labels: list[int]) -> Any:
        """Probabilities, and gradients of the loss at the embeddings, as OpenAttack computes."""
        self.hook = self.embedding_layer.register_forward_hook(HookCloser(self))
        try:
            return super().get_grad(input_, labels)
        finally:
            self.hook.remove()
