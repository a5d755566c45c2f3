"""What is said in a conversation: turns with their words, pictures, tool calls and thoughts.

In files they have the shape of OpenAI's chat messages, with only what is set: a message of words
alone is ``{"role", "content"}``. Frozen, as every ``Record``; none knows how it was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import not_
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from judgeforge.text.wording import about_tokens

Role = Literal["system", "developer", "user", "assistant", "tool"]


class Record(BaseModel):
    """What all values that flow through a run are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class SparseRecord(Record):
    """Fields of ``only_where_set`` are written only where they are set: older lines lack them."""

    only_where_set: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        # The serializer itself leaves them out: a function around it takes four times as long.
        for name in cls.only_where_set:
            cls.model_fields[name].exclude_if = not_
        return handler(source)


class ToolCall(Record):
    """A tool that an assistant calls.

    In files: ``{"id", "type": "function", "function": {"name", "arguments"}}``.
    """

    id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""

    @model_validator(mode="before")
    @classmethod
    def _as_in_files(cls, value: object) -> object:
        if not isinstance(value, Mapping) or "function" not in value:
            return value
        function = value["function"]
        rest = {name: each for name, each in value.items() if name not in {"type", "function"}}
        return {**rest, **function} if isinstance(function, Mapping) else value

    @model_serializer
    def _to_files(self) -> dict[str, Any]:
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


class TextPart(Record):
    type: Literal["text"] = "text"
    text: str


class ImageUrl(SparseRecord):
    only_where_set = frozenset({"detail"})

    url: str
    """https, a data URL, or a file below the folder of the input; as it was given."""
    detail: Literal["auto", "low", "high"] | None = None
    file: str | None = Field(None, exclude=True)
    """Where the picture is read when it is sent, if ``url`` names a file."""
    sha256: str | None = Field(None, exclude=True)
    """Of the picture's bytes, unless it is at an address, which is not looked at."""
    size: int = Field(0, exclude=True)
    """Bytes, where they are known."""

    @property
    def identity(self) -> str:
        """What it shows, in few characters: its bytes or, of one that is not here, its address."""
        return self.url if self.sha256 is None else f"sha256:{self.sha256}"


class ImagePart(Record):
    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class Message(SparseRecord):
    only_where_set = frozenset({"tool_calls", "tool_call_id", "name", "reasoning_content"})

    role: Role
    content: str | tuple[Part, ...] | None
    """None beside ``tool_calls`` only."""
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant."""
    tool_call_id: str | None = None
    """Of a tool: the call that it answers."""
    name: str | None = None
    reasoning_content: str | None = None
    """What an assistant thought before it spoke."""

    @property
    def text(self) -> str:
        """The words of it, those of several parts on lines of their own; "" without any."""
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def pictures(self) -> tuple[ImageUrl, ...]:
        if self.content is None or isinstance(self.content, str):
            return ()
        return tuple(part.image_url for part in self.content if isinstance(part, ImagePart))


PICTURE_TOKENS = 1600
"""Of a picture of usual size, as most models count it."""


def about_message_tokens(messages: Iterable[Message], *texts: str) -> int:
    """Of everything that is sent of the messages, and of the texts beside them."""
    sent, pictures = list(texts), 0
    for message in messages:
        sent.append(message.text)
        if message.tool_calls:
            sent += [f"{call.name}{call.arguments}" for call in message.tool_calls]
        if isinstance(message.content, tuple):
            pictures += len(message.pictures)
    return about_tokens(*sent) + PICTURE_TOKENS * pictures
