"""Whether a refusal says that a filter stopped this very request, by its codes and not its prose.

Providers name such a refusal in a field (``code``, ``type``) or list what was found. Sources: Azure
OpenAI's content filtering (400, ``code: content_filter``, ``innererror``), OpenAI's error codes,
OpenRouter's moderation (403, ``metadata``), Moonshot (``type: content_filter``), DashScope
(``data_inspection_failed``), Zhipu (1301), MiniMax (``base_resp`` 1026, 1027), Volcengine
(``…SensitiveContentDetected``), LiteLLM's ``ContentPolicyViolationError``, and xAI, which names its
check nowhere but in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from judgeforge.calls.providers.refusal_words import json_of
from judgeforge.text.patterns import late_pattern

_NEVER = frozenset({401, 402, 429})
"""These are about key, account and speed, whatever their body says."""
_CODE_FIELDS = ("code", "type", "error_type", "error_code", "status", "status_code", "reason",
                "block_reason", "blockReason")  # fmt: skip
_NESTED = ("error", "innererror", "inner_error", "metadata", "details", "detail", "errors",
           "base_resp", "provider_specific_fields", "raw", "prompt_filter_results",
           "prompt_feedback", "promptFeedback")  # fmt: skip
_MARKS = (
    "contentfilter", "contentpolicy", "contentmoderation", "moderationblocked", "moderationfailed",
    "responsibleaipolicyviolation", "jailbreak", "datainspectionfailed", "sensitivecontent",
    "guardrailintervened", "prohibitedcontent", "usagepolicy", "policyviolation", "safetycheck",
    "flaggedinput", "invalidprompt",
)  # fmt: skip
"""Parts of a code, in lower case and without what joins its words."""
_CODES = frozenset({"safety", "sensitive", "refusal", "moderation", "1301", "1026", "1027"})
"""Whole codes."""
_FOUND_FIELDS = ("reasons", "flagged_input", "patterns", "contentFilter", "content_filter",
                 "bedrock_guardrail_response", "guardrailIdentifier")  # fmt: skip
"""Fields that list what was found; such a refusal has them only where something was."""
_RESULT_FIELDS = ("content_filter_result", "content_filter_results")
"""Category -> ``{"filtered": bool, …}``."""
_SAFETY_CHECK = late_pattern(r"\bSAFETY_CHECK_[A-Z_]+\b")
_LONGEST_CODE, _LONGEST_TEXT = 64, 20_000
_DEEPEST, _MOST_LISTED = 6, 5


def is_about_content(status: int, body: object, said: str) -> bool:
    """``body``: the parsed refusal; ``said``: its words."""
    if status in _NEVER:
        return False
    return (status == 403 and _SAFETY_CHECK.search(said) is not None) or any(
        _names_a_filter(place) for place in _places(body)
    )


def _names_a_filter(place: Mapping[str, object]) -> bool:
    if any(place.get(field) for field in _FOUND_FIELDS):
        return True
    if any(_has_filtered(place.get(field)) for field in _RESULT_FIELDS):
        return True
    return any(_is_mark(place.get(field)) for field in _CODE_FIELDS)


def _is_mark(code: object) -> bool:
    if not isinstance(code, str | int) or len(text := str(code)[: _LONGEST_CODE + 1]) < 4:
        return False
    if len(text) > _LONGEST_CODE or len(text.split()) != 1:
        return False  # a sentence
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    return plain in _CODES or any(mark in plain for mark in _MARKS)


def _has_filtered(results: object) -> bool:
    each = results.values() if isinstance(results, Mapping) else ()
    return any(isinstance(one, Mapping) and bool(one.get("filtered")) for one in each)


def _places(value: object, depth: int = 0) -> Iterator[Mapping[str, object]]:
    """Every object of the refusal that may hold a code; gateways put one in a text, as it came."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str) and depth and value.lstrip()[:1] == "{":
        value = json_of(value[:_LONGEST_TEXT].encode("utf-8", "replace"))
    if isinstance(value, list):
        for each in value[:_MOST_LISTED]:
            yield from _places(each, depth + 1)
    elif isinstance(value, Mapping):
        yield value
        for name in _NESTED:
            yield from _places(value.get(name), depth + 1)
