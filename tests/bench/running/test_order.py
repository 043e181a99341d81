"""Slots end in any order; records are read in that in which they were asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bench.records import reading
from tests.bench.running.several import asked, measured, runner, slot


def test_records_are_read_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    path, comparisons = tmp_path / "x.jsonl", asked(30, "foolbox", "torchattacks", "art")
    measured(runner(*(slot(n) for n in range(3))), path, comparisons)
    found = reading.read(path)
    assert [record.key for record in found.comparisons] == [c.key for c in comparisons]
    packed = reading.read(path, plain=1)
    assert [record.key for record in packed.comparisons] == [c.key for c in comparisons]
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r', "number": \d+', "", text), encoding="utf-8")
    of_file = [json.loads(line) for line in text.splitlines()[1:]]
    keys = [record.key[0] for record in reading.read(path).comparisons]
    assert keys == [line["case_id"] for line in of_file if line["kind"] == "comparison"]
