"""The OpenAI SDK as the way to a server: its authorization, connections and errors."""

from __future__ import annotations

from typing import Any

from judgeforge.calls.providers.base import Body, RawReply
from judgeforge.calls.providers.http import open_client, post
from judgeforge.config.model import ModelConfig

BASE_URL = "https://api.openai.com/v1"


class OpenAIConnection:
    """Opened when the first request is sent."""

    def __init__(self, base_url: str | None, key: str | None) -> None:
        self.base_url = base_url or BASE_URL
        self._key = key
        self._client: Any = None

    async def post(self, endpoint: str, body: Body, model: ModelConfig) -> RawReply:
        """One attempt. Raises NotConnectedError, NoReplyError or StatusError."""
        import openai

        if self._client is None:
            self._client = open_client(
                openai, openai.AsyncOpenAI, base_url=self.base_url, key=self._key
            )
        return await post(self._client, openai, endpoint, body, model)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
