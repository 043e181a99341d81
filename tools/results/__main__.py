"""`make results`: write every page, table and picture that is made of the committed records.

That is docs/results.md, docs/sample/, docs/upstream/, the blocks of README.md and docs/ between
`<!-- results: NAME -->` and `<!-- end of results -->`, and the pages beside records. Prints what
changed.
"""

from __future__ import annotations

import sys

from bench import files
from bench.records.reading import RecordError
from tools.results import documents
from tools.results.blocks import BlockError
from tools.results.records import ROOT
from tools.upstream.declared import ProjectError


def main() -> int:
    """Write what is not as it shall be; the exit code."""
    try:
        made = documents.everything()
    except (BlockError, ProjectError, RecordError) as error:
        print(f"results: {error}", file=sys.stderr)
        return 2
    for path, text in made.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write(path, text)
            print(path.relative_to(ROOT))
    for path in documents.left_over(made):
        path.unlink()
        print(f"{path.relative_to(ROOT)}, which nothing makes any more, is gone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
