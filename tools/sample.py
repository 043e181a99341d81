"""Draw the sample that the README shows, from committed records (`make sample`)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bench import files
from bench.commands import report
from reports import figures
from reports.figures import saving
from reports.formats import page

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results" / "amd-epyc-2-cores"
SAMPLE = ROOT / "docs" / "sample"
PAGE = (
    "torch-2.13.0.jsonl",
    "torch-1.12.1.jsonl",
    "paper-batch-sizes-small.jsonl",
    "paper-models-small.jsonl",
    "all-attacks",
    "training/by-steps.jsonl",
)
PLOTS = {
    "libraries": ("torch-2.13.0.jsonl", "torch-1.12.1.jsonl"),
    "attacks": ("all-attacks/torchattacks.jsonl",),
    "anatomy": ("all-attacks",),
}
"""By name, the records that each plot is drawn from."""
KEPT = (".svg", "-dark.svg")
"""Of the files that a plot is saved as."""


def main() -> None:
    """Draw the page and the three plots, in place of those that are there."""
    shutil.rmtree(SAMPLE, ignore_errors=True)
    SAMPLE.mkdir(parents=True)
    runs = report.read([RESULTS / name for name in PAGE])
    files.write(SAMPLE / "report.html", page.render(runs))
    for name, sources in PLOTS.items():
        found = figures.plots(report.read([RESULTS / file for file in sources]))
        with tempfile.TemporaryDirectory() as folder:
            (plot,) = (plot for plot in found if plot.name == name)
            saving.save(plot, Path(folder))
            for suffix in KEPT:
                shutil.copy(Path(folder, f"{name}{suffix}"), SAMPLE)
    for path in sorted(SAMPLE.iterdir()):
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
