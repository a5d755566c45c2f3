"""The bar that a terminal shows while a run goes on, below it figures and what the run waits for.

What draws it is imported with this module: output that no terminal shows does without.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column
from rich.text import Text

from judgeforge.runs.progress import Progress as RunProgress


class ProgressBar(Progress):
    """The bar and the count, which are there on any width; below them a line of figures, and what
    the run waits for, if anything."""

    def __init__(self) -> None:
        self._figures, self._trouble = "", ""
        super().__init__(
            TextColumn("prompts", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            TextColumn("{task.fields[count]}", table_column=Column(no_wrap=True)),
            console=Console(stderr=True, highlight=False),
            transient=True,
            expand=True,
        )
        self._run = self.add_task("run", total=1, count="")

    def show(self, progress: RunProgress) -> None:
        self._figures, self._trouble = progress.figures, progress.trouble or ""
        count = f"{progress.done}/{progress.prompts}"
        self.update(self._run, completed=progress.share, count=count)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        for text, style in ((self._figures, ""), (self._trouble, "yellow")):
            if text:
                yield Text(text, style=style)
