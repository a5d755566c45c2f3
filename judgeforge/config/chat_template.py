"""Chat templates: messages as the string that a model reads.

They are Jinja, as tokenizers have them, and come from outside, so they run in a sandbox with what
`transformers` gives them: ``raise_exception``, ``tojson`` that escapes nothing, ``strftime_now``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from judgeforge.errors import ConfigError
from judgeforge.text.tool_calls import parsed_arguments
from judgeforge.text.wording import did_you_mean

if TYPE_CHECKING:
    from jinja2 import Template

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NAMED: Mapping[str, tuple[str, str]] = {"chatml": (CHATML, "<|im_end|>")}
"""Name -> template and end token."""

_NAME = re.compile(r"""\b(?:message|msg|m|turn)(?:\.name\b|\[["']name["']\])""")
_CONFIG, _FILE = "tokenizer_config.json", "chat_template.jinja"


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    name: str
    template: Template
    end: str
    """The token that ends a text; "" where it is not known."""
    takes_tools: bool
    """Whether it writes tools and calls out."""
    takes_thoughts: bool
    takes_names: bool
    begin: str = ""
    """The token that begins a text; "" where it is not known."""

    def render(
        self,
        conversation: Sequence[Mapping[str, Any]],
        *,
        tools: str | None = None,
        opens_answer: bool = False,
    ) -> str:
        """Raises ConfigError with what the template says it cannot write."""
        from jinja2 import TemplateError

        try:
            return self.template.render(
                messages=[_as_templates_read(message) for message in conversation],
                tools=None if tools is None else json.loads(tools),
                add_generation_prompt=opens_answer,
                bos_token="",  # the trainer's tokenizer adds it
                eos_token=self.end,
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise ConfigError(f"the chat template {self.name} cannot write this: {error}") from None

    def without_beginning(self, text: str) -> str:
        """Without the token that a tokenizer puts there itself."""
        return text.removeprefix(self.begin) if self.begin else text

    def without_end(self, answer: str) -> str:
        """Without the end token, which the trainer adds, and the line end that follows it."""
        stripped = answer.rstrip("\n")
        if self.end and stripped.endswith(self.end):
            return stripped.removesuffix(self.end)
        return answer


def load_chat_template(name: str) -> ChatTemplate:
    """``name``: one of ``NAMED``, or the path of a Jinja file or of a tokenizer's folder.

    Raises ConfigError.
    """
    if name in NAMED:
        text, end = NAMED[name]
        return _template(name, text, end)
    text, begin, end = _read(name)
    return _template(name, text, end, begin)


def template_digest(name: str) -> str:
    """SHA-256 (hex) of what the template of a path writes with. Raises ConfigError."""
    return hashlib.sha256("\0".join(_read(name)).encode("utf-8", "surrogatepass")).hexdigest()


def _read(name: str) -> tuple[str, str, str]:
    """The template, and the tokens that begin and end a text."""
    place = Path(name)
    if not place.exists():
        raise ConfigError(
            f"no chat template `{name}`: name one of {', '.join(NAMED)}, a Jinja file, or the "
            f"folder of a tokenizer{did_you_mean(name, NAMED)}"
        )
    folder = place if place.is_dir() else place.parent
    config = _tokenizer_config(folder / _CONFIG)
    begin, end = (_token(config.get(key)) for key in ("bos_token", "eos_token"))
    return _text(place, folder, config), begin, end


def _template(name: str, text: str, end: str, begin: str = "") -> ChatTemplate:
    return ChatTemplate(
        name,
        _compiled(name, text),
        end,
        takes_tools="tool" in text,
        takes_thoughts="reasoning_content" in text,
        takes_names=_NAME.search(text) is not None,
        begin=begin,
    )


def _as_templates_read(message: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of calls as objects, as templates write them out."""
    calls = message.get("tool_calls")
    if not calls:
        return dict(message)
    functions = [
        {**call["function"], "arguments": parsed_arguments(call["function"]["arguments"])}
        for call in calls
    ]
    read = [{**call, "function": function} for call, function in zip(calls, functions, strict=True)]
    return {**message, "content": message.get("content") or "", "tool_calls": read}


def _text(place: Path, folder: Path, config: Mapping[str, Any]) -> str:
    file = folder / _FILE if place.is_dir() else place
    if place.is_dir() and not file.exists():
        text = config.get("chat_template")
        if isinstance(text, str):
            return text
        raise ConfigError(f"{place}: has no {_FILE}, and its {_CONFIG} no chat template")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: the chat template cannot be read: {error}") from error


def _tokenizer_config(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _token(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def _compiled(name: str, text: str) -> Template:
    from jinja2 import TemplateError
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    try:
        return environment.from_string(text)
    except TemplateError as error:
        raise ConfigError(f"the chat template {name} is not Jinja: {error}") from None


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise(message: str) -> NoReturn:
    from jinja2 import TemplateError

    raise TemplateError(message)
