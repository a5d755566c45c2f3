"""What other tools call a setting, so that a mistake about it names ours.

Nearness of letters tells a slip of the finger; a user of another tool writes a right word
for the wrong program. A name is looked up in the section where it stands.
"""

from __future__ import annotations

import json

from judgeforge.config.document import Location
from judgeforge.text.redaction import redact_patterns

_LONGEST = 80
"""Characters of a value that is shown again."""


def _all(names: str, meaning: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), meaning)


SAME_SECTION: dict[str, dict[str, str]] = {
    "": {"model": "models", "judge": "judging", "dataset": "prompts", "data": "prompts"},
    "models": {
        **_all("api_base url api_url endpoint host", "base_url"),
        **_all("name model_name model_id", "model"),
        **_all("type backend engine", "provider"),
        **_all("requests_per_minute max_requests_per_minute", "rpm"),
        **_all("tokens_per_minute max_tokens_per_minute", "tpm"),
        **_all("max_concurrency max_concurrent_requests num_workers", "concurrency"),
        **_all("max_model_len context_length context_window", "context_tokens"),
        **_all("headers extra_headers default_headers", "headers_env"),
    },
    "sampling": {
        **_all("n num_completions num_generations num_samples num_responses", "completions"),
        **_all("max_new_tokens max_completion_tokens max_length", "max_tokens"),
        **_all("system_prompt system_message", "system"),
        **_all("model writer writers generator", "models"),
    },
    "judging": {"judge": "judges"},
    "judging.judges": {
        **_all("n votes num_votes num_samples samples", "repeats"),
        **_all("type mode method", "protocol"),
        **_all("system_prompt prompt_template template", "prompt"),
        **_all("max_new_tokens max_completion_tokens", "max_tokens"),
    },
    "pairing": _all("margin threshold min_score_gap", "min_margin"),
    "budget": _all("max_usd max_cost max_cost_usd usd_limit cost limit dollars total", "usd"),
    "limits": _all("max_retries retries num_retries", "max_attempts"),
    "prompts": _all("file files data_file data_files", "path"),
    "rubric": _all("path file", "name"),
    "cache": _all("path folder cache_dir", "dir"),
}
"""By section: another name -> the key of the same section that is meant."""

_OF_REQUESTS = _all(
    "top_p top_k min_p frequency_penalty presence_penalty repetition_penalty stop extra_body "
    "extra_params model_kwargs generation_kwargs sampling_params reasoning_effort "
    "chat_template_kwargs service_tier",
    "fields of a request that judgeforge does not set itself stand in `params` of the model, such "
    "as `params: {top_p: 0.9}`",
)
_OF_THE_COMMAND = {
    **_all(
        "limit n max_prompts max_samples num_examples",
        "it is an option of the command: `judgeforge run CONFIG --limit N` (in Python limit=N)",
    ),
    **_all(
        "out output output_dir out_dir run_dir",
        "it is an option of the command: `judgeforge run CONFIG --out DIR` (in Python out=)",
    ),
    **_all(
        "workers num_workers",
        "it is an option of the command: `judgeforge run CONFIG --workers N` (in Python workers=N)",
    ),
}
ELSEWHERE: dict[str, dict[str, str]] = {
    "": _OF_THE_COMMAND,
    "models": _OF_REQUESTS,
    "sampling": _OF_REQUESTS,
    "judging": _all(
        "model models protocol", "a judge is an item of a list: `judges: [{model: NAME}]`"
    ),
    "judging.judges": _OF_REQUESTS,
    "prompts": {
        **_OF_THE_COMMAND,
        **_all(
            "dataset dataset_name repo repo_id",
            "a data set of the Hub is `hf: {name: OWNER/NAME, split: train}`",
        ),
        **_all(
            "column prompt_column prompt_field input_field",
            "the column of the prompt is `fields: {prompt: COLUMN}`",
        ),
    },
    "rubric": {
        "criteria": "the criteria of a rubric stand in a file of its own: `rubric: my-rubric.yaml`"
    },
}
"""By section: another name -> where that is said, in words."""

SERVERS = {
    **_all(
        "vllm sglang ollama lmstudio lm_studio llama_cpp llamacpp llama-server litellm openrouter "
        "together together_ai groq fireworks deepinfra deepseek mistral xai azure azure_openai "
        "gemini google nvidia nim openai_compatible",
        "`provider: openai` with the address of the server in `base_url` asks whatever has "
        "OpenAI's API (docs/servers.md)",
    ),
    "claude": "`provider: anthropic` asks whatever has Anthropic's API",
}
"""Names that are no provider here -> how such a server is asked."""

MAIN_KEYS = {
    "prompts": "path",
    "prompts.hf": "name",
    "budget": "usd",
    "judging.judges": "model",
    "cache": "dir",
}
"""By section that is a mapping: the key that a value alone in its place is meant for."""


def section_of(place: Location) -> str:
    """Where a key stands: ``models`` for `models.NAME.key`, ``judging.judges`` for a judge's."""
    names = [part for part in place[:-1] if isinstance(part, str)]
    return "models" if names[:1] == ["models"] and len(names) == 2 else ".".join(names)


def meant_here(place: Location) -> str | None:
    """The key of the same section that another tool calls so."""
    return SAME_SECTION.get(section_of(place), {}).get(str(place[-1]).lower())


def written_whole(place: Location, value: object) -> str:
    """How a value alone is written as the mapping that belongs there; nothing for other places."""
    key = MAIN_KEYS.get(section_of((*place, "")))
    if key is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, str) and (len(value) > _LONGEST or redact_patterns(value) != value):
        return ""
    return f" (write `{{{key}: {json.dumps(value, ensure_ascii=False)}}}`)"


def said_elsewhere(place: Location) -> str | None:
    """Where the setting that another tool calls so is said, in words."""
    return ELSEWHERE.get(section_of(place), {}).get(str(place[-1]).lower())
