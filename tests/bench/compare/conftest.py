"""Two files of records, compared as the command compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import cli
from tests.bench.compare.files import Said
from tests.records import write


@pytest.fixture
def compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Writes both files and compares them; the exit code and what was printed."""

    def run(base: Any, new: Any, *words: str) -> tuple[int, str]:
        paths = [write(tmp_path / name, what) for name, what in (("base", base), ("new", new))]
        code = cli.main(["compare", *map(str, paths), *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run
