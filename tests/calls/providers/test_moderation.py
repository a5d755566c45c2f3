"""A refusal of a content filter is told by its codes, never by its prose."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.calls.providers.moderation import is_about_content

SAFE = {"filtered": False, "severity": "safe"}
AZURE = {
    "error": {
        "message": "The response was filtered due to the prompt triggering the policy.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation"},
    }
}
AZURE_RESULT = {
    "error": {
        "code": "400",
        "innererror": {
            "code": "Other",
            "content_filter_result": {"hate": SAFE, "jailbreak": {"filtered": True}},
        },
    }
}
XAI = {
    "code": "The caller does not have permission to execute the specified operation",
    "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
}
OF_CONTENT: list[tuple[int, Any]] = [
    (400, AZURE),
    (400, AZURE_RESULT),
    (400, {"error": {"code": "400", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
    (400, {"error": {"message": "Bad prompt.", "code": "invalid_prompt"}}),
    (400, {"error": {"message": "No.", "code": "content_policy_violation"}}),
    (400, {"error": {"message": "No.", "code": "moderation_blocked"}}),
    (400, {"error": {"message": "High risk.", "type": "content_filter"}}),
    (400, {"error": {"message": "x", "code": "data_inspection_failed"}}),
    (400, {"code": "DataInspectionFailed", "message": "x"}),
    (400, {"error": {"code": "1301", "message": "x"}, "contentFilter": [{"level": 1}]}),
    (400, {"error": {"code": "1301", "message": "x"}}),
    (400, {"error": {"code": "InputTextSensitiveContentDetected", "message": "x"}}),
    (400, {"error": {"message": "x", "type": "ContentPolicyViolationError", "code": "400"}}),
    (400, {"error": {"code": "400", "provider_specific_fields": AZURE_RESULT["error"]}}),
    (400, {"errors": [{"code": "guardrail_intervened"}]}),
    (400, [{"error": {"code": 400, "details": [{"reason": "PROHIBITED_CONTENT"}]}}]),
    (403, {"error": {"code": 403, "message": "x", "metadata": {"reasons": ["violence"]}}}),
    (403, {"error": {"code": 403, "message": "x", "metadata": {"flagged_input": "…"}}}),
    (403, {"error": {"code": 403, "message": "x", "metadata": {"error_type": "refusal"}}}),
    (403, XAI),
    (451, {"error": {"code": "content_filter"}}),
    (400, {"error": {"code": "400", "provider_specific_fields":
           {"error": "Violated guardrail policy", "bedrock_guardrail_response": "No."}}}),
    (400, {"error": {"metadata": {"raw": json.dumps(AZURE)}}}),
    (400, {"choices": [], "prompt_filter_results": [{"content_filter_results":
           {"hate": {"filtered": True}}}]}),
    (500, {"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}}),
]  # fmt: skip
OF_SOMETHING_ELSE: list[tuple[int, Any]] = [
    (403, {"error": {"message": "No access: the content filter is managed by your admin."}}),
    (403, {"error": {"code": "permission_denied", "message": "content_filter"}}),
    (403, {"error": {"code": 403, "metadata": {"reasons": []}}}),
    (403, {"error": {"code": 403, "metadata": {"provider_name": "x"}}}),
    (400, {"error": {"code": "invalid_request_error", "message": "the safety setting is off"}}),
    (400, {"error": {"code": "context_length_exceeded"}}),
    (400, {"error": {"innererror": {"content_filter_result": {"hate": SAFE}}}}),
    (400, {"error": {"code": "a content filter could not be reached in this region"}}),
    (400, XAI),
    (401, AZURE),
    (402, AZURE),
    (429, AZURE),
    (400, None),
    (400, "content_filter"),
    (400, {"error": "content_filter"}),
    (400, {"error": '{"code": "content_fil'}),
    (400, {"choices": [], "prompt_filter_results": [{"content_filter_results": {"hate": SAFE}}]}),
    (400, {"error": {"code": ["content_filter"]}}),
    (400, {"error": {"code": "content_filter" * 1000}}),
]


@pytest.mark.parametrize(("status", "body"), OF_CONTENT)
def test_what_a_filter_stopped_is_about_content(status: int, body: object) -> None:
    assert is_about_content(status, body, json.dumps(body))


@pytest.mark.parametrize(("status", "body"), OF_SOMETHING_ELSE)
def test_every_other_refusal_is_not(status: int, body: object) -> None:
    assert not is_about_content(status, body, json.dumps(body))


def test_a_refusal_that_is_nested_without_end_is_read_in_time() -> None:
    body: dict[str, Any] = {"code": "content_filter"}
    for _ in range(50):
        body = {"error": body, "errors": [body] * 40, "details": [body] * 40}
    assert not is_about_content(400, body, "")
