"""One file an API. A new provider is a class like ``Provider`` (see base.py) and a line here."""

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
