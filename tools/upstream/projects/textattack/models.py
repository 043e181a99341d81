"""Text classifiers made from a seed, whose images are the embeddings of tokens.

The harness hands its models images. Here one holds the embeddings of a sentence, (2, TOKENS,
WIDTH): what lies above zero, and what lies below, so that both are in [0, 1]. TextAttack calls the
classifier inside, with token ids.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification

TOKENS = 64
VOCABULARY = 30522
BERT_WIDTH = 256
CNN_WIDTH = 200
FILTERS = 150
WINDOWS = (3, 4, 5)


def joined(images: Tensor) -> Tensor:
    """The embeddings, (N, TOKENS, WIDTH), of both halves."""
    return images[:, 0] - images[:, 1]


class Bert(nn.Module):
    """BERT-mini: 4 layers of 256, the vocabulary of BERT."""

    input_shape = (2, TOKENS, BERT_WIDTH)

    def __init__(self) -> None:
        super().__init__()
        self.classifier = BertForSequenceClassification(
            BertConfig(
                vocab_size=VOCABULARY,
                hidden_size=BERT_WIDTH,
                num_hidden_layers=4,
                num_attention_heads=4,
                intermediate_size=4 * BERT_WIDTH,
                max_position_embeddings=TOKENS,
            )
        )

    def forward(self, images: Tensor) -> Tensor:
        """The logits of halves of embeddings, (N, 2, TOKENS, WIDTH)."""
        logits: Tensor = self.classifier(inputs_embeds=joined(images)).logits
        return logits


class WordCnn(nn.Module):
    """Convolutions over the embeddings of words, and the largest of each (Kim, 2014)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, CNN_WIDTH)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(CNN_WIDTH, FILTERS, window) for window in WINDOWS
        )
        self.head = nn.Linear(FILTERS * len(WINDOWS), 2)

    def get_input_embeddings(self) -> nn.Embedding:
        """What TextAttack hangs its hook on."""
        return self.embedding

    def embedded(self, embeddings: Tensor) -> Tensor:
        """The logits of embeddings, (N, TOKENS, WIDTH)."""
        rows = embeddings.transpose(1, 2)
        pooled = [conv(rows).relu().amax(2) for conv in self.convolutions]
        logits: Tensor = self.head(nn.functional.dropout(torch.cat(pooled, 1), 0.3, self.training))
        return logits

    def forward(self, ids: Tensor) -> Tensor:
        """The logits of token ids, (N, TOKENS)."""
        return self.embedded(self.embedding(ids))


class Cnn(nn.Module):
    """The one above, given embeddings."""

    input_shape = (2, TOKENS, CNN_WIDTH)

    def __init__(self) -> None:
        super().__init__()
        self.classifier = WordCnn()

    def forward(self, images: Tensor) -> Tensor:
        """The logits of halves of embeddings, (N, 2, TOKENS, WIDTH)."""
        return self.classifier.embedded(joined(images))
