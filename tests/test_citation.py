"""How this software is cited."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from jsonschema import ValidationError

import bench
from tests.places import ROOT


def citation(text: str) -> Any:
    """As cffconvert reads it."""
    return importlib.import_module("cffconvert").Citation(text)


@pytest.fixture
def text() -> str:
    return (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_citation_is_valid_and_of_this_version(text: str) -> None:
    found = citation(text)
    found.validate()
    told = found.cffobj
    assert told["version"] == bench.__version__
    (holder,) = (author["name"] for author in told["authors"])
    assert f"Copyright (c) 2026 {holder}" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert told["license"] == "MIT"


def test_one_without_a_title_is_not_valid(text: str) -> None:
    with pytest.raises(ValidationError):
        citation(text.replace("\ntitle: Semi-backward Bench\n", "\n")).validate()


def test_it_names_the_paper_as_the_published_numbers_do(text: str) -> None:
    (paper,) = citation(text).cffobj["references"]
    (author,) = paper["authors"]
    number = paper["url"].removeprefix("https://arxiv.org/abs/")
    named = f"{author['given-names']} {author['family-names']}, {paper['title']}, arXiv {number}"
    published = json.loads((ROOT / "reports/paper/semi_backward.json").read_text(encoding="utf-8"))
    assert published["source"] == named
    assert [found["value"] for found in paper["identifiers"]] == [f"arXiv:{number}"]
