"""A vision model of a few kilobytes with its processor, made on the spot: nothing is downloaded.

LLaVA's shape: pictures of 8 by 8 pixels are four patches and a class token to a language model of
one layer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.train import tiny_model

SIDE, PATCH = 8, 4
IMAGE = "<image>"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}" + IMAGE + "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def save_vision_model(folder: Path) -> str:
    """With its processor, as a trainer takes it by path; returns the path."""
    import torch
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    torch.manual_seed(0)
    tokenizer = tiny_model.tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": [IMAGE]})
    size = {"height": SIDE, "width": SIDE}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size=size, crop_size=size, do_center_crop=False),
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="full",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=PATCH,
        projection_dim=16,
    )
    configuration = LlavaConfig(
        vision_config=vision,
        text_config=tiny_model.configuration(vocab_size=len(tokenizer)),
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
    )
    LlavaForConditionalGeneration(configuration).save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


def processor(folder: str) -> Any:
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(folder)
