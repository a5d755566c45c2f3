"""A canonical request -> the provider's reply. One file an API; nothing else knows SDKs.

base.py                what a provider is: builds a body, sends it, reads the reply
openai_chat.py         OpenAI chat completions, and servers that speak them
anthropic_messages.py  Anthropic messages
openai_decisions.py    OpenAI decisions, and gateways that speak them
systemone.py           System One decisions
local.py               a GGUF model in this process
local_engine.py        the loaded model, and the threads that talk to it
decision_server.py     what both kinds of decision servers share
openai_connection.py   the OpenAI SDK as the way to a server
connections.py         which connections are used again
http.py                a raw body through an SDK's door, and its errors in words
bodies.py              how known models differ, as data
replies.py             reading what a reply says of its tokens

To add a provider: a class like ``Provider`` in a file of its own, and a line here.
"""

from __future__ import annotations

from judgeforge.calls.providers.base import Provider
from judgeforge.config.model import ModelConfig


def open_provider(model: ModelConfig, key: str | None) -> Provider:
    """The provider of a model. SDKs are imported when the first request is sent."""
    if model.provider == "openai":
        from judgeforge.calls.providers.openai_chat import OpenAIChat

        return OpenAIChat(model.base_url, key)
    if model.provider == "openai_decisions":
        from judgeforge.calls.providers.openai_decisions import OpenAIDecisions

        return OpenAIDecisions(model.base_url, key)
    if model.provider == "systemone":
        from judgeforge.calls.providers.systemone import SystemOne

        return SystemOne(model.base_url, key)
    if model.provider == "anthropic":
        from judgeforge.calls.providers.anthropic_messages import AnthropicMessages

        return AnthropicMessages(model.base_url, key)
    from judgeforge.calls.providers.local import LocalProvider

    return LocalProvider()
