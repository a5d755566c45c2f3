"""The bar on a terminal: one line of figures, and below it what the run waits for, if anything."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text


class ProgressBar(Progress):
    def __init__(self) -> None:
        self._below: str | None = None
        super().__init__(
            TextColumn("prompts"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._run = self.add_task("run", total=None, figures="")

    def show(self, *, total: int, done: int, figures: str, below: str | None) -> None:
        self._below = below
        self.update(self._run, total=total, completed=done, figures=figures)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self._below is not None:
            yield Text(self._below, style="yellow")
