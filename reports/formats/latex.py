"""Tables as LaTeX with booktabs, ready for \\input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.records.reading import Run
from reports.reading import naming
from reports.table import Table
from reports.tables import contents
from reports.tables.contents import NOTHING

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
    "…": r"\dots{}",
}
"""What means something to LaTeX, or is in no font of its own."""
_HEAD = (
    "% Needs \\usepackage{booktabs}, \\usepackage{graphicx}, \\usepackage[T1]{fontenc} and, before"
    " 2018,\n% \\usepackage[utf8]{inputenc}."
)


def report(runs: Sequence[Run], asked: Mapping[str, Any] = NOTHING) -> str:
    """Every table of some runs, one float each."""
    with naming.told_apart(runs):
        return "\n\n".join([_HEAD, *map(draw, contents.of(runs, asked))])


def draw(table: Table) -> str:
    """One table, no wider than the text, with its title as caption and its notes below."""
    columns = "l" + "r" * (len(table.header) - 1)
    notes = " ".join(escape(note) for note in table.notes)
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape(table.title)}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _line(table.header),
            r"\midrule",
            *map(_line, table.rows),
            r"\bottomrule",
            r"\end{tabular}}",
            *([rf"\par\smallskip\footnotesize\raggedright {notes}"] if notes else []),
            r"\end{table}",
        ]
    )


def escape(text: str) -> str:
    """Keep what a record says from being read as LaTeX; characters it can't set become "?"."""
    known = "".join(_ESCAPED.get(character, character) for character in " ".join(text.split()))
    apart = known.replace("--", "-{}-")  # or they become a dash
    return apart.encode("latin-1", "replace").decode("latin-1")


def _line(cells: Sequence[str]) -> str:
    # A cell may begin with what a line break would take for its option.
    return " & ".join(f"{{{escape(cell)}}}" for cell in cells) + r" \\"
