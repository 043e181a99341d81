"""TextAttack's gradients of tokens, for `--attack attack.py:NAME`.

Attacks as HotFlip, and those that rank words by the gradient, ask `get_grad` of a wrapper.
That is what is measured: sentences in, gradients out, in place of adversarial images.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import logging
import math
import os
import sys
import tempfile
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

if TYPE_CHECKING:
    import numpy
    from torch import Tensor, nn

TOKENS = 64
SENTENCES = (
    "a film that never finds the nerve to be as dark as its own first hour",
    "the two leads carry every scene and the last one is worth the whole evening",
    "an hour too long and a joke too short for the patience that it asks for",
    "warm and careful and very funny when it stops to look at its own people",
)
_WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_IDS = {word: number for number, word in enumerate((*_MARKS, *_WORDS))}


def huggingface(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The gradient of each token's embedding, by the wrapper for models of transformers.

    Args:
        model: with a classifier of transformers, `models.py:Bert`.
        images: (N, 2, TOKENS, WIDTH); only their number and shape are looked at.
        labels: not looked at: the loss is that of what the model says.

    Returns:
        The gradients of N sentences, above zero and below, in shape and range of images; each bit
        of them is compared.
    """
    wrapper = _wrappers().HuggingFaceModelWrapper(model.classifier, _tokenizer())
    return _gradients(wrapper, images)


def pytorch(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The same by the wrapper for any model of torch, `models.py:Cnn`; as `huggingface`."""
    wrapper = _wrappers().PyTorchModelWrapper(model.classifier, _ids)
    return _gradients(wrapper, images)


def _gradients(wrapper: Any, images: Tensor) -> Tensor:
    found: list[numpy.ndarray] = []
    for number in range(len(images)):
        found.append(wrapper.get_grad(SENTENCES[number % len(SENTENCES)])["gradient"])
    gradients = torch.stack([torch.from_numpy(each) for each in found]).to(images)
    gradients *= 2.0 ** -math.frexp(float(gradients.abs().max()))[1]  # a power of 2 rounds nothing
    return torch.stack([gradients.relu(), (-gradients).relu()], 1)


def _tokenizer() -> PreTrainedTokenizerFast:
    """Words to ids, with nothing downloaded."""
    tokenizer = Tokenizer(models.WordLevel(_IDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(
        ("[SEP]", _IDS["[SEP]"]), ("[CLS]", _IDS["[CLS]"])
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=TOKENS,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )


def _ids(texts: list[str]) -> list[list[int]]:
    rows = [[_IDS.get(word, _IDS["[UNK]"]) for word in text.split()] for text in texts]
    return [(row + [_IDS["[PAD]"]] * TOKENS)[:TOKENS] for row in rows]


def _wrappers() -> Any:
    """`textattack.models.wrappers`, without the packages that `get_grad` has no use for.

    Importing textattack imports every recipe and, for those, some sixty packages (flair, an older
    transformers, ...), and wants the stop words of nltk, which are a download. Where flair is not
    installed, bare packages and modules stand for these; the wrappers are TextAttack's own files.
    """
    if "textattack" not in sys.modules and importlib.util.find_spec("flair") is None:
        _stand_in()
    import textattack.models.wrappers

    return textattack.models.wrappers


def _stand_in() -> None:
    for name in ("flair", "flair.data", "jieba"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__spec__ = importlib.machinery.ModuleSpec(name, None)
    data: Any = sys.modules["flair.data"]
    data.Tokenizer = object
    flair: Any = sys.modules["flair"]
    flair.data = data
    package = _bare("textattack")
    package.shared = _bare("textattack.shared")
    package.shared.logger = logging.getLogger("textattack")
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory() as cache:
        Path(cache, "post_install_check_3").touch()  # else it downloads what nltk and stanza have
        os.environ["TA_CACHE_DIR"] = cache
        importlib.import_module("textattack.shared.utils")
    os.environ.clear()
    os.environ.update(environment)


def _bare(name: str) -> Any:
    """A package whose modules can be imported, but not what it imports itself."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"{name} is not installed")
    bare: Any = types.ModuleType(name)
    bare.__path__ = spec.submodule_search_locations
    bare.__file__ = spec.origin
    bare.__spec__ = spec
    sys.modules[name] = bare
    return bare
