"""What a chat template puts around an answer and a server or a model left in it.

A model whose prompt does not end with the head of its own turn writes that head itself, and some
tokens are no special ones to the server, so that they stay in the text. In training data they
would teach the model to write them. Sources: the chat templates of these models.
"""

from __future__ import annotations

import re

_HEAD = re.compile(
    r"\s*(?:<s>\s*)?(?:"
    r"<\|im_start\|>(?:assistant)\s*\n"  # ChatML
    r"|<\|start_header_id\|>assistant<\|end_header_id\|>"  # Llama 3
    r"|<\|header_start\|>assistant<\|header_end\|>"  # Llama 4
    r"|<\|start_of_role\|>assistant<\|end_of_role\|>"  # Granite
    r"|<\|im_assistant\|>assistant<\|im_middle\|>"  # Kimi
    r"|<start_of_turn>model\s*\n|<\|turn>model\s*\n"  # Gemma
    r"|<\|assistant\|>|<\uff5cAssistant\uff5c>"  # GLM, Phi, Zephyr, DeepSeek
    r")\s*"
)
_ANOTHER_TURN = re.compile(
    r"<\|(?:im_start|start_header_id|header_start|start_of_role|im_user|user|assistant|turn)\b"
    r"|<start_of_turn>|<\uff5c(?:User|Assistant)\uff5c>"
)
_BOX = re.compile(r"(?<![`\"'])<\|(?:begin|end)_of_box\|>(?![`\"'])")
"""GLM marks the final answer so, within other words or as all of them."""
_LAST = re.compile(r"(?<=[^\s`\"'])\s*(?:</s>|<\|EOT\|>)\s*\Z")
"""The ends of a text of Llama 2 and Mistral, and of DeepSeek Coder. In HTML the first one ends what
is struck through."""


def without_template_marks(text: str) -> str:
    """The answer alone. A text that shows a conversation of several turns is left as it is, and so
    is what is quoted."""
    if "<" not in text:
        return text
    head = _HEAD.match(text)
    if head is not None and _ANOTHER_TURN.search(text, head.end()) is None:
        text = text[head.end() :] or text
    if text.count("<|begin_of_box|>") == text.count("<|end_of_box|>"):
        text = _BOX.sub("", text)
    last = _LAST.search(text, max(0, len(text) - 40))
    return text if last is None or "<s>" in text else text[: last.start()]
