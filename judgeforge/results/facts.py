"""What a manifest says of how a run was made, as tables of names and values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from judgeforge.config.providers import runs_in_process

Fact = tuple[str, str]


def part(manifest: Mapping[str, Any], *names: str) -> Any:  # noqa: ANN401 (of JSON)
    """A value deep in the manifest; None where an older version wrote none."""
    found: Any = manifest
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def making(manifest: Mapping[str, Any]) -> list[Fact]:
    config: Mapping[str, Any] = manifest.get("config") or {}
    rubric = manifest.get("rubric") or {}
    return [
        ("prompts", _prompts(config)),
        ("models", "; ".join(_models(config)) or "none: the rows brought their completions"),
        ("sampling", _sampling(config)),
        (
            "rubric",
            f"{rubric.get('name')}, version {rubric.get('version')}, "
            f"SHA-256 {rubric.get('sha256')}",
        ),
        ("judges", "; ".join(_judges(config)) or "none: code checked the criteria"),
        ("cascade", _rules(part(config, "judging", "cascade")) or "none: all were asked all"),
        ("pairing", _rules(config.get("pairing"))),
        ("budget", _rules(config.get("budget"))),
        ("limits", _rules(config.get("limits"))),
    ]


def versions(manifest: Mapping[str, Any]) -> list[Fact]:
    used = {"judgeforge": manifest.get("judgeforge_version"), **(manifest.get("versions") or {})}
    return [
        ("versions", ", ".join(f"{name} {value}" for name, value in used.items())),
        ("input", f"fingerprint {part(manifest, 'input', 'fingerprint')}"),
        ("folder made", str(manifest.get("created_at"))),
        ("last start", f"{manifest.get('started_at')}{_took(manifest)}"),
        ("last change", str(manifest.get("updated_at"))),
    ]


def _took(manifest: Mapping[str, Any]) -> str:
    try:
        started, ended = (
            datetime.fromisoformat(str(manifest.get(name))) for name in ("started_at", "updated_at")
        )
    except (ValueError, TypeError):  # not a time, or one without a zone
        return ""
    return f", took {ended - started} (hours, minutes, seconds)"


def judges_by_name(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    judges = part(manifest, "config", "judging", "judges") or ()
    return {judge.get("name") or judge["model"]: judge for judge in judges}


def _prompts(config: Mapping[str, Any]) -> str:
    source = config.get("prompts") or {}
    if hub := source.get("hf"):
        return f"dataset {hub.get('name')}, split {hub.get('split')}"
    return f"file {_file_name(source.get('path') or 'unknown')}"


def _models(config: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {_model(one)}" for name, one in (config.get("models") or {}).items()]


def _model(model: Mapping[str, Any]) -> str:
    provider, name = model.get("provider"), model.get("model")
    return f"{_file_name(name) if runs_in_process(provider) else name} ({provider})"


def _sampling(config: Mapping[str, Any]) -> str:
    sampling = config.get("sampling")
    if not sampling:
        return "nothing was sampled: the rows brought their completions"
    temperatures = ", ".join(f"{value:g}" for value in sampling.get("temperature") or ())
    return (
        f"{sampling.get('completions')} a prompt from {', '.join(sampling.get('models') or ())}, "
        f"temperature {temperatures}, at most {sampling.get('max_tokens')} tokens, "
        f"seed {sampling.get('seed')}"
    )


def _judges(config: Mapping[str, Any]) -> list[str]:
    judges: Sequence[Mapping[str, Any]] = part(config, "judging", "judges") or ()
    return [
        f"{judge.get('name') or judge['model']}: {judge['model']}, {judge.get('protocol')}, "
        f"{judge.get('repeats', 1)} x, tier {judge.get('tier', 1)}"
        for judge in judges
    ]


def _rules(rules: Mapping[str, Any] | None) -> str:
    return ", ".join(
        f"{name} {_file_name(value) if name == 'ledger' else value}"
        for name, value in (rules or {}).items()
        if value is not None
    )


def _file_name(path: object) -> str:
    """Without its folders: they are nobody's business in a page that may be passed on."""
    return PurePath(str(path).replace("\\", "/")).name
