"""The OpenAI SDK as the way to a server: its authorization, connections and errors."""

from __future__ import annotations

from typing import Any

from judgeforge.config import ModelConfig
from judgeforge.providers.base import Body, RawReply
from judgeforge.providers.http import MOST_CONNECTIONS, post
from judgeforge.providers.silent_connections import reuse_only_silent_connections

BASE_URL = "https://api.openai.com/v1"


class OpenAIConnection:
    """Opened when the first request is sent."""

    def __init__(self, base_url: str | None, key: str | None) -> None:
        self.base_url = base_url or BASE_URL
        self._key = key
        self._client: Any = None

    async def post(self, endpoint: str, body: Body, model: ModelConfig) -> RawReply:
        """One attempt. Raises NotConnectedError, NoReplyError or StatusError."""
        import httpx2
        import openai

        if self._client is None:
            limits = httpx2.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=None)
            http_client = openai.DefaultAioHttpClient(
                follow_redirects=False, limits=limits, trust_env=True
            )
            reuse_only_silent_connections(http_client, connections=MOST_CONNECTIONS)
            self._client = openai.AsyncOpenAI(
                api_key=self._key or "none",
                base_url=self.base_url,
                max_retries=0,
                http_client=http_client,
            )
        return await post(self._client, openai, endpoint, body, model)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
