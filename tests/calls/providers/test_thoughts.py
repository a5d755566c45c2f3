"""Thoughts are taken out of a text whatever their marks are, and nothing else is."""

from __future__ import annotations

import time

import pytest

from judgeforge.calls.providers.thoughts import (
    split_reasoning,
    without_thought_again,
    without_turn_marks,
    wrapped_answer,
)
from tests.promises.monotonous_texts import LENGTH, repeated

THOUGHT = "The user wants a list.\nI will be brief."
ANSWER = "First, boil the water.\n\nThen add the tea."


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<think>", "</think>"),
        ("<THINK>", "</Think>"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("<reasoning>", "</reasoning>"),
        ("<reflection>", "</reflection>"),
        ("<Scratchpad>", "</scratchpad>"),
        ("<inner_monologue>", "</inner_monologue>"),
        ("<internal_monologue>", "</internal_monologue>"),
        ("<chain_of_thought>", "</chain_of_thought>"),
        ("<cot>", "</cot>"),
        ("<chain-of-thought>", "</chain-of-thought>"),
        ("<inner_thoughts>", "</inner_thoughts>"),
        ("<reasoning_process>", "</reasoning_process>"),
        ("[REASONING]", "[/REASONING]"),
        ("<|startofthought|>", "<|endofthought|>"),
        ("Thinking...\n", "\n...done thinking.\n\n"),
        ("\ufeff<think>", "</think>"),
        ("\u200b<think>", "</think>"),
        ("[THINK]", "[/THINK]"),
        ("[think]", "[/think]"),
        ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
        ("<seed:think>", "</seed:think>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"),
        ("<|begin_of_thought|>", "<|end_of_thought|>\n\n<|begin_of_solution|>"),
        ("<unused94>thought\n", "<unused95>"),
        ("<mm:think>", "</mm:think>"),
        ("<think:opensource>", "</think:opensource>"),
        ("<longcat_think>", "</longcat_think>"),
        ("<ifm|think_fast>", "</ifm|think_faster>"),
        ('<think duration="3">', "</think>"),
        ("<|inner_prefix|>", "<|inner_suffix|>"),
        ("<|thinking|>", "<|/thinking|>"),
        ("<|think|>", "<|end|><|begin|>assistant<|content|>"),
        ("<reason>", "</reason>"),
        ("<antThinking>", "</antThinking>"),
        ('<details type="reasoning" done="true">', "</details>"),
        ("Here is my thought process:", "Here is my response:"),
        ("<|channel>thought\n", "<channel|>"),
        ("<|channel|>analysis<|message|>",
         "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<|start|>assistant<|channel|>analysis<|message|>",
         "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("analysis", "assistantfinal"),
        ("assistantanalysis", "assistantfinal"),
        ("", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<|start|>analysis<|message|>", "<|end|><|start|>final<|message|>"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("gap", ["", "\n", "\n\n"])
def test_known_marks_are_split_off(opening: str, closing: str, gap: str) -> None:
    found = split_reasoning(f"{gap}{opening}{gap}{THOUGHT}{gap}{closing}{gap}{ANSWER}")
    assert found == (ANSWER, THOUGHT)


@pytest.mark.parametrize(
    ("text", "answer", "thought"),
    [
        ("Sure!\n<think>\nhm\n</think>\nTea.", "Sure!\n\nTea.", "hm"),
        ("<think>a</think>\n<think>b</think>\nTea.", "Tea.", "a\n\nb"),
        ("<think></think>\n\nTea.", "Tea.", ""),
        ("<think>hm", "", "hm"),
        ("hm\n</think>\n\nTea.", "Tea.", "hm"),
        ("hm</think>Tea.", "Tea.", "hm"),
        ("hm\n[/THINK]\nTea.", "Tea.", "hm"),
        ("<think>It quotes `</think>` here.\n</think>\nTea.", "Tea.", "It quotes `</think>` here."),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary<|message|>"
         "a plan<|end|><|start|>assistant<|channel|>final<|message|>Tea.<|return|>", "Tea.",
         "hm\n\na plan"),
        ("<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>Tea.<|END_RESPONSE|>", "Tea.",
         "hm"),
        ("A cute tone~~~ fine.\n</think>\n\nTea.", "Tea.", "A cute tone~~~ fine."),
        ("Let me see:```py\ntea\n```\n</think>\nTea.", "Tea.", "Let me see:```py\ntea\n```"),
        ("so it is **42**</think>**42** is right", "**42** is right", "so it is **42**"),
        ("so it is _tea_</think>_Tea_ it is", "_Tea_ it is", "so it is _tea_"),
        ("it is **</think>**42**", "**42**", "it is **"),
        ("hm</think>: Tea", ": Tea", "hm"),
        ("hm\n</think>) ok", ") ok", "hm"),
        ("I see :(</think>) ok", ") ok", "I see :("),
        ("hm\n</think>. Tea", ". Tea", "hm"),
        ("<think>hm</think> Tea is a drink.", "Tea is a drink.", "hm"),
        ("<think>hm</think>\tTea is a drink.", "Tea is a drink.", "hm"),
        ("<think>hm</think>\u00a0Tea is a drink.", "Tea is a drink.", "hm"),
        ('<think>hm</think>"Tea" is a word.', '"Tea" is a word.', "hm"),
        ("<think>hm</think>`tea` is a name.", "`tea` is a name.", "hm"),
        ("<think>\n```python\ntea\n</think> Tea is a drink.", "Tea is a drink.",
         "```python\ntea"),
        ("<think>a</think> <think>b</think> Tea is a drink.", "Tea is a drink.", "a\n\nb"),
        ("<reasoning>hm</reasoning> Tea is a drink.", "Tea is a drink.", "hm"),
        ("\u25c1think\u25b7hm\u25c1/think\u25b7 Tea is a drink.", "Tea is a drink.", "hm"),
        ("hm\n</mm:think>\n\nTea.", "Tea.", "hm"),
        ("<think>a<think>b</think>c</think>\nTea.", "Tea.", "a<think>b\n\nc"),
        ("<think>a</think>\nTea.\n</think>", "Tea.", "a"),
        ("analysisWe need tea", "", "We need tea"),
        ("<|channel|>analysis<|message|>We need tea", "", "We need tea"),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final "
         '<|constrain|>JSON<|message|>{"a": 1}', '{"a": 1}', "hm"),
        ("<|channel|>??<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Tea.",
         "Tea.", "hm"),
        ("<|channel|>commentary to=functions.x <|constrain|>json<|message|>{}<|call|>", "", "{}"),
        ("<think>I close with </think> here.\n</think>\nTea.", "Tea.",
         "I close with </think> here."),
    ],
)  # fmt: skip
def test_thoughts_are_found_where_they_are(text: str, answer: str, thought: str) -> None:
    assert split_reasoning(text) == (answer, thought)


@pytest.mark.parametrize(
    "text",
    [
        "The tag `</think>` closes the hidden part.",
        "The tag </think> closes the hidden part.",
        'It writes "</think>" at the end.',
        "Use it so:\n```\n<think>\nhm\n</think>\n```\nand no other way.",
        "Write `<think>` first and `</think>` last.",
        "The word <think> in a text.",
        "The **</think>** tag closes it.",
        "End the thought (</think>) and answer.",
        "The thought ends at </think>.\nThen the answer follows.",
        "The tags are:\n<think>\n</think>\nUse both.",
        "~~~\n<think>\nhm\n</think>\n~~~\nThat is an example.",
        "Thinking...\nI like tea.",
        "<details><summary>More</summary>hidden</details>\nTea.",
        "<details><summary>Reasoning steps</summary>2 + 2 = 4</details>\nTea.",
        "```think\nx = 1\n```\nTea.",
        "Put it so:\n\n[REASONING]\nwhy\n[/REASONING]\n[ANSWER]\nTea.",
        "<doc>\n<critical-thinking>\nhm\n</critical-thinking>\n</doc>",
        "Does it end with </think>? It does.",
        "The tag (**</think>**) closes it.",
        "Analysis of the plan: it is good.",
        "analysis: it is good.",
        "Tea.<|end|>",
        "Here is my thought process: I like tea.",
        "The head is <|channel|>final<|message|> and so on.",
        "<think off>\nTea.",
        "We drink <think> and </think> tea.",
        "`</mm:think>` is MiniMax's.",
        "<thinkpad>x</thinkpad> is no thought.",
        "In <reasoning> tags:\n<reasoning>x</reasoning>",
        "[THINK] is what Magistral writes first, [/THINK] last."[8:],
        "",
        " \n",
    ],
)
def test_a_text_about_thoughts_is_left_as_it_is(text: str) -> None:
    assert split_reasoning(text) == (text, None)


@pytest.mark.parametrize(
    "text",
    [
        "<|channel|>final<|message|>Tea.<|return|>",
        "<|start|>assistant<|channel|>final<|message|>Tea.",
        "<|START_RESPONSE|>Tea.<|END_RESPONSE|>",
    ],
)
def test_marks_of_the_answer_are_no_part_of_it(text: str) -> None:
    assert split_reasoning(text) == ("Tea.", None)


def test_a_model_may_have_tags_of_its_own() -> None:
    tags = ("<ponder>", "</ponder>")
    assert split_reasoning("<ponder>hm</ponder>\nTea.", tags) == ("Tea.", "hm")
    assert split_reasoning("hm\n</PONDER>\nTea.", tags) == ("Tea.", "hm")
    assert split_reasoning("<ponder>hm</ponder>\nTea.") == ("<ponder>hm</ponder>\nTea.", None)
    assert split_reasoning("<think>hm</think>\nTea.", tags) == ("Tea.", "hm")


@pytest.mark.parametrize(
    "rest",
    ["<|im_end|>", "<|im_end|>\n", "\n<|eot_id|>", "<|im_end|><|im_end|><|endoftext|>", "[EOS]",
     "<end_of_turn>", "<\uff5cend\u2581of\u2581sentence\uff5c>",
     "<|im_end|>\n<|im_start|>user\nMore?<|im_end|>",
     "<end_of_turn>\n<start_of_turn>user\nMore?"],
)  # fmt: skip
def test_the_end_of_a_turn_and_what_a_model_invents_after_it_are_no_answer(rest: str) -> None:
    assert without_turn_marks(f"Tea.{rest}") == "Tea."


@pytest.mark.parametrize(
    "text",
    [
        "The token is <|im_end|>",
        "`<|im_end|>`",
        "<|im_end|>",
        "Tea.<|im_end|> comes last, <|im_start|> first.",
        "So:\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes<|im_end|>",
    ],
)
def test_a_text_about_turns_is_left_as_it_is(text: str) -> None:
    assert without_turn_marks(text) == text


def test_an_answer_may_be_in_tags_as_a_whole() -> None:
    assert wrapped_answer("<answer>\nTea.\n</answer>\n") == ("answer", "Tea.")
    assert wrapped_answer("<response>Tea.</response>") == ("response", "Tea.")
    for text in ("Tea.", "<answer>a</answer> b", "<answer>a</answer><answer>b</answer>"):
        assert wrapped_answer(text) is None


@pytest.mark.texts
@pytest.mark.parametrize(
    "piece",
    ["<think>", "</think>", "`</think>`", "<think></think>", "\n<think>a</think> b", "[/THINK] ",
     "```\n</think>", "analysis", "<|channel|>analysis<|message|>a<|end|>", "<", "a\n<think>\n",
     "<|im_end|>", "<|im_end|>\n", "<|start|><|message|>", "<|end|><|start|>", "</think>. ",
     "Thinking...\n", "a\n<think></think>\n", "\n~~~</think>", " **</think>** "],
)  # fmt: skip
def test_a_long_text_of_marks_takes_seconds_and_no_minutes(piece: str) -> None:
    text = "x " + repeated(piece)
    start = time.process_time()
    split_reasoning(text)
    split_reasoning(text[2:])
    without_turn_marks(text)
    assert time.process_time() - start < 10 * LENGTH / 2**20


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (f"</think>\n\n{ANSWER}", ANSWER),
        (f"\n</think>\n</think>\n\n{ANSWER}", ANSWER),
        (f"<think>\n\n</think>\n\n{ANSWER}", ANSWER),
        (f"[/THINK]{ANSWER}", ANSWER),
        (f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}", ANSWER),
        (f"{THOUGHT}</think>{ANSWER}", ANSWER),
        (f"<think>{THOUGHT}", ""),
        ("The tag `</think>` closes them.", None),
        ("`</think>` closes them.", None),
        ("</think> closes a thought, and <think> opens it.", None),
        (f"<think>An example.</think>\n{ANSWER}", None),
        (f"{ANSWER}\n</think>\n{ANSWER}", None),
        (ANSWER, None),
    ],
)
def test_beside_a_thought_only_it_and_marks_of_nothing_are_taken_out(
    text: str, answer: str | None
) -> None:
    assert without_thought_again(text, THOUGHT) == (text if answer is None else answer)
