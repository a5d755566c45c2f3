"""Whether a configuration that is for rewards alone is ready: it names no prompts, for a trainer
brings them."""

from __future__ import annotations

from pathlib import Path

from judgeforge.config.file import read_config_document
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.runs.planning.check import CheckReport
from judgeforge.runs.planning.plan import cascade_warnings
from judgeforge.runs.remarks import remarks
from judgeforge.runs.reward.settings import read_settings
from judgeforge.runs.validation.reward_notes import RewardNotes

_OF_A_RUN = {"prompts", "sampling"}
_NO_PROMPTS = (
    "no `prompts` and no `sampling`: checked as a configuration for `judgeforge.reward`, whose "
    "trainer brings prompts and completions; `judgeforge run` needs `prompts`"
)


def is_for_rewards(file: Path) -> bool:
    """Whether it leaves out all that only a run needs. Raises ConfigError for what is no YAML."""
    keys = read_config_document(file).value.keys()
    return "models" in keys and not keys & _OF_A_RUN


def check_reward_function(config: RunConfig) -> CheckReport:
    """All mistakes at once, as ``judgeforge.reward`` would refuse them; nothing is sent."""
    report = CheckReport(source=[_NO_PROMPTS], warnings=cascade_warnings(config), for_rewards=True)
    try:
        settings = read_settings(
            config, None, name="judgeforge", on_budget="error", learn_from=None, fit=None
        )
        prepared = settings.prepared()
    except ConfigError as error:
        report.problems += map(str, error.mistakes)
        return report
    report.notes += remarks(prepared)
    RewardNotes(prepared.config, prepared.rubric).add_to(report.notes, report.warnings)
    return report
