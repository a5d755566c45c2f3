"""What a chat template puts around an answer is no part of it, and a text about turns is left."""

from __future__ import annotations

import json
import time

import pytest

from judgeforge.calls.providers.openai_chat import read_chat_completion
from judgeforge.calls.providers.template_marks import without_template_marks

ANSWER = "Wood, cork\nand ice."


@pytest.mark.parametrize(
    ("head", "end"),
    [
        ("<|im_start|>assistant\n", ""),
        ("<|start_header_id|>assistant<|end_header_id|>\n\n", ""),
        ("<|header_start|>assistant<|header_end|>\n\n", ""),
        ("<|start_of_role|>assistant<|end_of_role|>", ""),
        ("<|im_assistant|>assistant<|im_middle|>", ""),
        ("<start_of_turn>model\n", ""),
        ("<|turn>model\n", ""),
        (" <|assistant|>\n", ""),
        ("<\uff5cAssistant\uff5c>", ""),
        ("<|begin_of_box|>", "<|end_of_box|>"),
        ("", "</s>"),
        ("", "\n</s>\n"),
        ("", "<|EOT|>"),
    ],
)
def test_the_answer_alone_is_left(head: str, end: str) -> None:
    assert without_template_marks(f"{head}{ANSWER}{end}") == ANSWER


def test_a_box_may_be_within_a_sentence() -> None:
    text = "It is <|begin_of_box|>42<|end_of_box|>, or <|begin_of_box|>43<|end_of_box|>."
    assert without_template_marks(text) == "It is 42, or 43."


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        "assistant\n\nnoun: a helper",
        "<|im_start|>assistant\n",
        "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nHi.",
        "<|im_start|>user\nHi.",
        "Write `<|begin_of_box|>`42`<|end_of_box|>` around it.",
        "The token `</s>`",
        "It ends with </s>, always.",
        "<s>struck through</s>",
        "A turn begins with <|assistant|>, I think.",
        "",
    ],
)
def test_a_text_about_turns_is_left_as_it_is(text: str) -> None:
    assert without_template_marks(text) == text


def read(message: dict[str, object]) -> tuple[str, str | None]:
    choice = {"message": message, "finish_reason": "stop"}
    reply = read_chat_completion(json.dumps({"choices": [choice]}).encode())
    return reply.text, reply.reasoning


def test_marks_at_both_ends_and_a_thought_are_taken_out_together() -> None:
    both = f"<|im_start|>assistant\n{ANSWER}<|im_end|>"
    assert read({"content": both}) == (ANSWER, None)
    assert read({"content": f"<think>Hm.</think>{both}"}) == (ANSWER, "Hm.")


@pytest.mark.parametrize("begins", ["<think>\nHm.", "Hm."])
def test_an_answer_that_a_server_took_for_thoughts_is_found_behind_them(begins: str) -> None:
    message = {"content": None, "reasoning_content": f"{begins}\n</think>\n\n{ANSWER}"}
    assert read(message) == (ANSWER, "Hm.")


def test_thoughts_alone_are_no_answer() -> None:
    for thought in ("Hm.", "Hm. `</think>` ends it.", "Hm.\n</think>\n"):
        assert read({"content": "", "reasoning_content": thought}) == ("", thought.strip())


@pytest.mark.parametrize(
    "piece", ["<|begin_of_box|>", "<|end_of_box|>", "</s>", "<|im_start|>assistant\n", " "]
)
def test_a_mebibyte_of_marks_takes_seconds_and_no_minutes(piece: str) -> None:
    text = piece * (2**20 // len(piece))
    start = time.process_time()
    without_template_marks(text)
    without_template_marks("<|begin_of_box|>" + text + "x")
    assert time.process_time() - start < 10
