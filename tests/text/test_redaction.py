"""No key leaves the program: neither by its value in any form, nor by how keys look."""

from __future__ import annotations

import base64
import json
import string
import timeit
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from judgeforge.text.redaction import MASK, Redactor, is_secret_name, looks_like_key

SECRET = 'p4ss/w0rd+"quoted" über'
KEY_CHARACTERS = string.ascii_letters + string.digits + '-_+/=.~%"\\ é'
secrets = st.text(KEY_CHARACTERS, min_size=6, max_size=40).filter(lambda s: len(s.strip()) >= 6)

FORMS = {
    "as it is": SECRET,
    "URL-quoted": quote(SECRET),
    "URL-quoted with slashes": quote(SECRET, safe=""),
    "as a form field": quote_plus(SECRET),
    "in JSON": json.dumps(SECRET)[1:-1],
    "in JSON that keeps letters": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "as Python shows it": repr(SECRET)[1:-1],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_known_secret_is_masked_in_every_form(form: str) -> None:
    assert Redactor([SECRET]).redact(f"before {form} after") == f"before {MASK} after"


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_of_a_known_secret_is_masked_wherever_it_stands(
    before: str, after: str, encode: Callable[[bytes], bytes]
) -> None:
    encoded = encode(f"{before}{SECRET}{after}".encode()).decode()
    clean = Redactor([SECRET]).redact(f"got {encoded}.")
    left, right = clean.removeprefix("got ").removesuffix(".").split(MASK)
    # Only the characters that the secret shares with its neighbours stay.
    assert encoded.startswith(left)
    assert len(left) <= len(base64.b64encode(before.encode())) + 1
    assert encoded.endswith(right)
    assert len(right) <= len(base64.b64encode(after.encode())) + 4


LOOKS_LIKE_SECRETS = {
    "OpenAI": ("key sk-abcDEF123456 is wrong", f"key {MASK} is wrong"),
    "Anthropic": ("key 'sk-ant-api03-abc_DEF'.", f"key '{MASK}'."),
    "Hugging Face": ("hf_abcdefghijklmnopqrst", MASK),
    "AWS": ("id AKIAIOSFODNN7EXAMPLE here", f"id {MASK} here"),
    "Google": (f"AIza{'x' * 35}", MASK),
    "bearer": ("Bearer abc.def-123", f"Bearer {MASK}"),
    "basic": ("basic dXNlcjpwYXNz", f"basic {MASK}"),
    "header": ("x-api-key: abc", f"x-api-key: {MASK}"),
    "header in JSON": ('{"x-api-key": "abc"}', f'{{"x-api-key": "{MASK}"}}'),
    "header in JSON in JSON": (r"{\"X-Api-Key\": \"abc\"}", rf"{{\"X-Api-Key\": \"{MASK}\"}}"),
    "header as Python shows it": ("{'api-key': 'abc'}", f"{{'api-key': '{MASK}'}}"),
    "authorization": ("Authorization: Bearer abc", f"Authorization: Bearer {MASK}"),
    "keyword": ("Client(api_key=abc)", f"Client(api_key={MASK})"),
    "query": ("http://h/p?x=1&key=abc&y=2", f"http://h/p?x=1&key={MASK}&y=2"),
    "address": ("http://me:pw@host/p", f"http://{MASK}@host/p"),
}


@pytest.mark.parametrize(("text", "clean"), LOOKS_LIKE_SECRETS.values(), ids=LOOKS_LIKE_SECRETS)
def test_what_looks_like_a_secret_is_masked_without_being_known(text: str, clean: str) -> None:
    assert Redactor().redact(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "the task-force met at http://host:8080/v1/chat",
        "input_tokens=12 output_tokens=30",
        "api_key_env: OPENAI_API_KEY is not set",
        "write to someone@example.org",
        "the rubric is basic",
        '{"key":"0123456789abcdef","model":"writer"}',
    ],
)
def test_what_is_no_secret_stays_and_is_the_same_object(text: str) -> None:
    assert Redactor(["another-secret"]).redact(text) is text


def test_a_secret_within_a_secret_leaves_nothing_of_the_longer_one() -> None:
    assert Redactor(["secret-one", "secret-one-two"]).redact("secret-one-two") == MASK


def test_values_too_short_to_be_secrets_are_left_alone() -> None:
    redactor = Redactor(["", "none", " x "])
    assert redactor.redact("none of x") == "none of x"


def test_a_secret_may_be_added_later() -> None:
    redactor = Redactor()
    redactor.add_secret("hunter2-hunter2\n")
    assert redactor.redact("it is hunter2-hunter2") == f"it is {MASK}"


def test_values_are_redacted_at_any_depth_and_under_a_secrets_name() -> None:
    value = {"a": [{"b": ("x", "secret-one")}], "api_key": "abc", "n": 1, "secret-one": None}
    assert Redactor(["secret-one"]).redact_value(value) == {
        "a": [{"b": ["x", MASK]}], "api_key": MASK, "n": 1, MASK: None,
    }  # fmt: skip


def test_names_and_values_of_secrets_are_known() -> None:
    assert is_secret_name("API-Key")
    assert is_secret_name("password")
    assert not is_secret_name("api_key_env")
    assert not is_secret_name("max_tokens")
    assert looks_like_key("sk-ant-abcdefgh")
    assert not looks_like_key("task-oriented-words")


@given(secrets, st.text(), st.text())
@example("000000", "", "")
def test_no_known_secret_survives_anywhere(secret: str, before: str, after: str) -> None:
    clean = Redactor([secret]).redact(f"{before}{secret}{after}")
    assert secret.strip() not in clean.replace(MASK, "\0")


TEXTS = st.lists(
    st.text(max_size=8)
    | secrets
    | st.sampled_from(["Bearer ", "sk-", "sk-abcdefgh", "api_key=", "://", "@", "?key=", MASK, '"'])
).map("".join)


@given(st.lists(secrets, max_size=3), TEXTS)
@example(["secret-one"], "secret-onesk-abcdefghij")
def test_redacting_twice_changes_nothing_more(known: list[str], text: str) -> None:
    redactor = Redactor(known)
    once = redactor.redact(text + "".join(known))
    assert redactor.redact(once) == once


def test_a_line_costs_little() -> None:
    redactor = Redactor(["sk-abcDEF1234567890abcdefghijklmn", "key-zzzzzzzzzzzzzzzz9999"])
    line = json.dumps({"event": "call", "error": "the server said 503 while busy " * 15})[:500]
    best = min(timeit.repeat(lambda: redactor.redact(line), number=200, repeat=30)) / 200
    assert best < 40e-6, "four times the target, for machines that do other things as well"
