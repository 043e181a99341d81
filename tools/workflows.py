"""Lint our workflows, and those that the docs have people copy: actionlint, shellcheck, zizmor.

Nothing is asked of the network.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^( *)```ya?ml\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_WORKFLOW = re.compile(r"^jobs:", re.MULTILINE)


def own(root: Path = ROOT) -> list[Path]:
    """The workflows that run here."""
    return sorted((root / ".github" / "workflows").glob("*.y*ml"))


def shown(pages: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """The whole workflows in blocks of pages, each with a name that tells where it is from."""
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for block in _BLOCK.finditer(text):
            indent, body = block.groups()
            lines = [line.removeprefix(indent) for line in body.splitlines(keepends=True)]
            if _WORKFLOW.search("".join(lines)):
                number = text.count("\n", 0, block.start()) + 1
                yield f"{page.stem}-line-{number}.yml", "".join(lines)


def pages(root: Path = ROOT) -> list[Path]:
    """What people read."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


def lint(workflows: Iterable[Path]) -> int:
    """Lint workflows; 0 if there is nothing to mend. What there is, is printed."""
    names = [str(path) for path in workflows]
    tools = Path(sys.executable).parent
    commands: tuple[list[str | Path], ...] = (
        [tools / "actionlint", "-shellcheck", tools / "shellcheck", "-pyflakes=", *names],
        [tools / "zizmor", "--offline", "--quiet", "--no-progress", *names],
    )
    return max(subprocess.run(words, check=False).returncode for words in commands)


def main() -> int:
    """Lint all of them; the exit code."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, ".github", "workflows")  # zizmor knows workflows by where they lie
        folder.mkdir(parents=True)
        for name, text in shown(pages()):
            (folder / name).write_text(text, encoding="utf-8")
        return 1 if lint([*own(), *sorted(folder.iterdir())]) else 0


if __name__ == "__main__":
    sys.exit(main())
