"""Write `bench/record.schema.json` from the types in `bench.records` (`make schema`)."""

from __future__ import annotations

import json
from pathlib import Path

from bench import records

PATH = Path(records.__file__).with_name("record.schema.json")


def text() -> str:
    """What the file must hold."""
    return json.dumps(records.json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
    print(PATH.name)
