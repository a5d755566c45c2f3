"""Models that several servers have: which address stands for them, and what to know first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from judgeforge.config.run import RunConfig
from judgeforge.results.how_made import part
from judgeforge.runs.validation.model_settings import called_models
from judgeforge.store.manifest import Manifest


def with_known_addresses(config: RunConfig, manifest: Manifest) -> RunConfig:
    """``config`` for a folder that was begun with another first replica: as long as one of its
    servers is left, they are the same model, and its calls keep their keys."""
    known = {}
    for name, model in config.models.items():
        begun = _begun_at(manifest.identity, name)
        if begun is None or not model.addresses or model.addresses[0] == begun:
            continue
        before = {begun, *_addresses(part(manifest.config, "models", name, "base_url"))}
        if before & set(model.addresses):
            known[name] = begun
    return config.model_copy(update={"known_addresses": known}) if known else config


def _begun_at(identity: Mapping[str, Any], name: str) -> str | None:
    model = (identity.get("models") or {}).get(name)
    address = model.get("base_url") if isinstance(model, Mapping) else None
    return address if isinstance(address, str) else None


def _addresses(base_url: object) -> list[str]:
    found = base_url if isinstance(base_url, list | tuple) else [base_url]
    return [one for one in found if isinstance(one, str)]


def replica_notes(config: RunConfig) -> Iterator[str]:
    """Of models that are asked at several servers."""
    for name in called_models(config):
        model = config.models[name]
        number = len(model.replicas)
        if number < 2:
            continue
        most, slots = number * model.concurrency, config.limits.concurrency
        told = [f"`{name}` is asked at {number} servers, {model.concurrency} calls each at once"]
        if most > slots:
            told.append(
                f"limits.concurrency lets {slots} of these {most} through: raise it to use all"
            )
        limits = [key for key in ("rpm", "tpm") if getattr(model, key) is not None]
        if limits:
            told.append(f"{' and '.join(f'`{key}`' for key in limits)} are of each server")
        yield "; ".join(told)
