"""The names of OpenTelemetry's conventions for generative AI, and ours beside them.

Those of ``gen_ai.*`` are from github.com/open-telemetry/semantic-conventions-genai as of autumn
2026 (status: development), after the move of usage to counters and of durations to
``gen_ai.client.inference.duration``. The constants of ``opentelemetry-semantic-conventions`` are
older and all marked as deprecated, so the names are written here.
"""

from __future__ import annotations

SCOPE = "judgeforge"

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
OUTPUT_TYPE = "gen_ai.output.type"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_SEED = "gen_ai.request.seed"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
WORKFLOW = "gen_ai.workflow.name"
SERVER_ADDRESS, SERVER_PORT = "server.address", "server.port"
ERROR_TYPE = "error.type"

EVALUATION = "gen_ai.evaluation.result"
EVALUATION_NAME = "gen_ai.evaluation.name"
EVALUATION_VALUE = "gen_ai.evaluation.score.value"
EVALUATION_LABEL = "gen_ai.evaluation.score.label"
EVALUATION_EXPLANATION = "gen_ai.evaluation.explanation"

CHAT, WORKFLOW_RUN = "chat", "invoke_workflow"
DECISION, REWARD = "decision", "reward"
"""Operations that the conventions have no name for."""

CAPTURE_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The environment variable of the official instrumentations."""

DURATION = "gen_ai.client.inference.duration"
USAGE = "gen_ai.client.inference.usage."
"""Counters of tokens, each with one of the ends below."""
USED = ("input_tokens", "output_tokens", "cache_read.input_tokens", "cache_write.input_tokens")
DURATION_BOUNDS = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64),
    *(1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
"""Seconds, as the conventions ask for."""

RUN_SPAN, PROMPT_SPAN = f"{WORKFLOW_RUN} judgeforge", "judgeforge.prompt"
REWARD_SPAN, STEP = "judgeforge.reward", "judgeforge.step"
ATTEMPT = "judgeforge.attempt"
ATTEMPTS = "judgeforge.attempts"
OUTCOME = "judgeforge.outcome"
STATUS = "http.response.status_code"
SECONDS = "judgeforge.duration_s"
KEY = "judgeforge.call"
"""The key of the call, as in ``log.jsonl``, ``completions.jsonl`` and ``judgments.jsonl``."""
CACHED, SHARED = "judgeforge.cached", "judgeforge.shared"
NAME, ANSWERED_BY, BATCH = "judgeforge.model", "judgeforge.answered_by", "judgeforge.batch"
COST = "judgeforge.cost_usd"
FOLDER, RUBRIC, EXIT_CODE = "judgeforge.folder", "judgeforge.rubric", "judgeforge.exit_code"
PROMPT, COMPLETIONS = "judgeforge.prompt.id", "judgeforge.completion.ids"
PAIRS, SKIP, PROMPTS = "judgeforge.pairs", "judgeforge.skip", "judgeforge.prompts"
JUDGE, PROTOCOL = "judgeforge.judge", "judgeforge.protocol"
JUDGMENT, CRITERION = "judgeforge.judgment.id", "judgeforge.criterion."
CACHE_HITS = "judgeforge.cache.hits"
