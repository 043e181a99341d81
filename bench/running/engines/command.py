"""Wherever a command leads: `ssh HOST`, `docker exec -i NAME`, `kubectl exec -i POD --`.

The command is put before that which starts a keeper, and has to pass its stdin and stdout on.
Imports no torch.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from bench import telling
from bench.errors import UsageError
from bench.running.engines import lines
from bench.running.engines.base import Place
from bench.running.far import Agreed, Far


class Command:
    """Workers are brought by commands.

    Args:
        commands: each leads to a place.
        python: the interpreter there, None for the same path as here.
        agreed: what has to be the same there.
        note: told what the user should know.

    Raises:
        UsageError: one is none.
    """

    name = "command"
    divides = True

    def __init__(
        self,
        commands: Sequence[str],
        python: str | None,
        agreed: Agreed,
        note: Callable[[str], None],
    ) -> None:
        self._agreed = agreed
        self._note = note
        self._keeper = lines.keeper(python)
        self._lines = lines.Lines()
        self._commands = {text: self._words(text) for text in commands}
        if len({tuple(words) for words in self._commands.values()}) < len(commands):
            raise UsageError(
                "--worker-command names a place twice; for several GPUs of one machine, name it"
                " once and add --devices all"
            )

    def places(self) -> Sequence[Place]:
        """One a command."""
        return [self._place(text, words) for text, words in self._commands.items()]

    def close(self) -> None:
        """End all lines."""
        self._lines.close()

    def _place(self, text: str, words: Sequence[str]) -> Place:
        def line() -> lines.CommandLine:
            return self._lines.line([*words, *self._keeper])

        return Place(text, lambda: Far(text, line, self._agreed, self._note))

    def _words(self, text: str) -> list[str]:
        try:
            words = shlex.split(text)
        except ValueError as error:
            said = f"--worker-command {telling.line(text)!r} can't be taken apart: {error}"
            raise UsageError(f"{said}; close its quotes") from None
        if not words:
            raise UsageError("--worker-command is empty; give what leads there, as 'ssh node7'")
        return words
