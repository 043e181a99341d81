"""Projects to report to, for tests: those that are declared, and one that is made up."""

from __future__ import annotations

from pathlib import Path

from tools.upstream import declared
from tools.upstream.declared import Change, Project

PROJECTS = declared.every()
CHANGES = [(project, change) for project in PROJECTS for change in project.changes]
DECLARED = """\
distribution = "made-up"
version = "1.0"
home = "https://example.org/made-up"
library = "torchattacks"

[[changes]]
name = "one"
diff = "one.diff"
title = "It computes what nobody reads"
why = "One line."
files = ["src/made_up/attack.py"]
attacks = ["cw"]
models = ["resnet18"]
batch = [4]
"""
SOURCE = "def run(loss):\n    loss.backward()\n    return loss\n"
DIFF = """\
--- a/src/made_up/attack.py
+++ b/src/made_up/attack.py
@@ -1,3 +1,3 @@
 def run(loss):
-    loss.backward()
+    loss.backward(inputs=[])
     return loss
"""


def name(found: tuple[Project, Change]) -> str:
    project, change = found
    return f"{project.name}/{change.name}"


def made_up(folder: Path, text: str = DECLARED, diff: str = DIFF) -> Path:
    """A project's folder."""
    place = folder / "made-up"
    place.mkdir()
    (place / "project.toml").write_text(text, encoding="utf-8")
    (place / "one.diff").write_text(diff, encoding="utf-8")
    return place


def unpacked(folder: Path) -> Path:
    """What the made-up project's wheel holds."""
    (folder / "made_up").mkdir(parents=True)
    (folder / "made_up" / "attack.py").write_text(SOURCE, encoding="utf-8")
    about = folder / "made_up-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n")
    (about / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    (about / "RECORD").write_text("made_up/attack.py,sha256=wrong,1\n")
    return folder
