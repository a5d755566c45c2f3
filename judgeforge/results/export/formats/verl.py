"""verl's reward models: strings in Parquet, written out by a chat template that is named.

Its ``RMDataset`` tokenizes prompt and answer as they are, joins them and adds the end token, so the
strings have the marks of the template, and the answer lacks the end token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from judgeforge.config.chat_template import ChatTemplate, load_chat_template
from judgeforge.errors import ConfigError
from judgeforge.records import PreferencePair
from judgeforge.results.export.arrow import Columns, open_table
from judgeforge.results.export.targets import (
    Export,
    ExportOptions,
    Row,
    Write,
    has_names,
    has_thoughts,
    has_tools,
    worded_messages,
)
from judgeforge.text.messages import Message

_COLUMNS: Columns = dict.fromkeys(("prompt", "chosen", "rejected"), "string")


@contextmanager
def open_verl(path: Path, export: Export) -> Iterator[Write]:
    template = load_chat_template(export.options.template or "")
    with open_table(path, _COLUMNS) as write:
        yield lambda pair: write(_row(pair, template))


def unwritten_by_template(options: ExportOptions) -> Callable[[PreferencePair], str | None]:
    """What a pair has and the template would drop without a word. Raises ConfigError."""
    template = load_chat_template(options.template or "")
    writes_not = f"with the template {template.name} does not write out"

    def why(pair: PreferencePair) -> str | None:
        if has_tools(pair) and not template.takes_tools:
            return f"{writes_not} the tools of this pair; use that of a model that calls tools"
        if has_thoughts(pair) and not template.takes_thoughts:
            return (
                f"{writes_not} the thoughts of this pair; `--thinking inline` writes them into the "
                "answer, `--thinking drop` leaves them out"
            )
        if has_names(pair) and not template.takes_names:
            return f"{writes_not} the names of who speaks in this pair"
        return None

    return why


def _row(pair: PreferencePair, template: ChatTemplate) -> Row:
    prompt = template.render(worded_messages(pair.prompt), tools=pair.tools, opens_answer=True)
    return {
        "prompt": prompt,
        "chosen": _answer(pair, pair.chosen, prompt, template),
        "rejected": _answer(pair, pair.rejected, prompt, template),
    }


def _answer(
    pair: PreferencePair, side: Sequence[Message], prompt: str, template: ChatTemplate
) -> str:
    whole = template.render(worded_messages([*pair.prompt, *side]), tools=pair.tools)
    if not whole.startswith(prompt):
        raise ConfigError(
            f"pair {pair.id}: the template {template.name} writes the prompt differently once an "
            "answer follows, so the answer cannot be told apart. Use another template."
        )
    return template.without_end(whole[len(prompt) :])
