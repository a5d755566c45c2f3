"""A new provider, protocol, shape or format of rows, or format of exports is one file and one line
in its table.

Here each of them gets a line for the time of a test; nothing else is touched, and it works the
whole way from the configuration to the results.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.calls.providers.base import (
    Body,
    ChatRequest,
    ModelReply,
    ModelRequest,
    RawReply,
    Usage,
)
from judgeforge.config import schema_guide
from judgeforge.config.choices import ROW_FORMATS, ROW_SHAPES, RowFormat
from judgeforge.config.model import ModelConfig
from judgeforge.config.providers import PROVIDERS, ProviderFacts
from judgeforge.config.run import Fields
from judgeforge.errors import ConfigError
from judgeforge.inputs.rows import RawRow
from judgeforge.inputs.shapes.shape import Shape
from judgeforge.judging.protocols.pointwise import PointwiseJudge
from judgeforge.ranking.protocols import PROTOCOLS, ProtocolFacts
from judgeforge.records import Completion, Judgment, PreferencePair, Prompt, Question
from judgeforge.results.export.export import export_pairs
from judgeforge.results.export.known_targets import TARGETS
from judgeforge.results.export.targets import Target, json_lines
from judgeforge.runs.planning.check import check_run
from tests.local_server import LocalServer
from tests.support.hand_made import pair, run_folder
from tests.support.run_setup import model, rows, run, write_config

HERE = __name__


class Parrot:
    """A provider in this process: what it writes is the better, the larger the seed is."""

    endpoint = "/parrot"
    base_url = "parrot"

    def __init__(self, base_url: str | None, key: str | None) -> None:
        assert base_url is None
        assert key is None

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        assert isinstance(request, ChatRequest)
        said = request.messages[-1].content
        return {"model": model.model, "said": said, "seed": request.seed, "max_tokens": 8}

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        return RawReply(f"[quality={0.1 + body['seed'] % 4 / 5:.1f}] {body['said']}".encode())

    def read(self, raw: bytes) -> ModelReply:
        return ModelReply(raw.decode(), "stop", Usage(4, 8))

    async def close(self) -> None: ...


class SternJudge(PointwiseJudge):
    """Asks as a pointwise judge does, and takes half of every score."""

    async def ask(
        self, prompt: Prompt, completions: dict[str, Completion], question: Question
    ) -> Judgment:
        mild = await super().ask(prompt, completions, question)
        return mild.model_copy(update={"score": (mild.score or 0.0) / 2})


def read_bullets(path: Path, fields: Fields) -> Iterator[RawRow]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        yield RawRow(number, {fields.prompt: line.removeprefix("* ")})


def best_answer(one: PreferencePair) -> dict[str, Any]:
    return {"q": one.prompt[-1].content, "a": one.chosen[-1].content}


def test_a_provider(tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ProviderFacts(f"{HERE}:Parrot", paid=False, in_process=True)
    monkeypatch.setitem(PROVIDERS, "parrot", line)
    models = {"polly": {"provider": "parrot", "model": "grey"}, "small": model(server)}
    sampling = {"models": ["polly"], "completions": 4}
    result = run(
        write_config(tmp_path, server, models=models, sampling=sampling, prompts=3),
        tmp_path / "out",
    )
    assert result.manifest["totals"]["pairs"] == 3
    for made in rows(tmp_path / "out" / "pairs.jsonl"):
        assert made["chosen"][-1]["content"].startswith("[quality=0.7] Tell me fact")
        assert made["rejected"][-1]["content"].startswith("[quality=0.1] Tell me fact")
    assert not server.calls(kind="sample")


@pytest.mark.parametrize("cascade", [None, {"target_confidence": 0.999, "min_gain": 0.0}])
def test_a_protocol(
    tmp_path: Path,
    server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
    cascade: dict[str, float] | None,
) -> None:
    line = ProtocolFacts("one", f"{HERE}:SternJudge")
    monkeypatch.setitem(PROTOCOLS, "stern", line)
    judges = [
        {"model": "small", "protocol": "stern", "repeats": 2},
        {"model": "small", "name": "second", "protocol": "stern", "tier": 2},
    ]
    config = write_config(
        tmp_path, server, judging={"judges": judges, "cascade": cascade}, prompts=3
    )
    result = run(config, tmp_path / "out")
    assert result.manifest["totals"]["pairs"] == 3
    made = rows(tmp_path / "out" / "judgments.jsonl")
    assert {judgment["protocol"] for judgment in made} == {"stern"}
    assert all(judgment["score"] <= 0.5 for judgment in made)
    of_one = [Judgment(**each) for each in made if each["prompt_id"] == "p0"]
    assert len(judgeforge.rank(of_one).scores) == 4  # a script may bring them again
    assert "stern" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_protocol_keeps_the_settings_of_others_out(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROTOCOLS, "stern", ProtocolFacts("one", f"{HERE}:SternJudge"))
    judge = {"model": "small", "protocol": "stern", "logprobs": True}
    config = write_config(tmp_path, server, judging={"judges": [judge]})
    with pytest.raises(ConfigError, match=r"`logprobs` has no meaning .* it belongs to pointwise"):
        judgeforge.load_config(config)


def test_a_format_of_rows(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ROW_FORMATS, "bullets", RowFormat((".lst",), f"{HERE}:read_bullets"))
    for source in ({"path": "p.lst"}, {"path": "p.unknown", "format": "bullets"}):
        (tmp_path / source["path"]).write_text("* Why?\n* Who?\n", encoding="utf-8")
        config = write_config(tmp_path, server, prompts=source)
        run(config, tmp_path / source["path"].replace(".", "-"))
    for folder in ("p-lst", "p-unknown"):
        made = rows(tmp_path / folder / "pairs.jsonl")
        assert [one["prompt"][-1]["content"] for one in made] == ["Why?", "Who?"]


def question_columns(names: Collection[str], fields: Fields) -> tuple[str, ...]:
    return ("ask",) if "ask" in names else ()


QUIZ = Shape("a quiz", question_columns, lambda row, _: {"prompt": f"Quiz: {row['ask']}"}, ("ask",))


def test_a_shape_of_rows(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ROW_SHAPES, "quiz", f"{HERE}:QUIZ")
    (tmp_path / "p.jsonl").write_text('{"ask": "Why?"}\n', encoding="utf-8")
    config = write_config(tmp_path, server, prompts={"path": "p.jsonl"})
    run(config, tmp_path / "out")
    (made,) = rows(tmp_path / "out" / "pairs.jsonl")
    assert made["prompt"][-1]["content"] == "Quiz: Why?"
    assert check_run(judgeforge.load_config(config)).source == ["read as a quiz"]


def test_a_format_of_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "quiz", Target(suffix=".jsonl", open=json_lines(best_answer)))
    folder = run_folder(tmp_path / "run", [pair("p1"), pair("p2")])
    export_pairs(folder, target="quiz", to=tmp_path / "quiz.jsonl")
    written = (tmp_path / "quiz.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(written[1]) == {"q": "Question p2?", "a": "A good answer to p2."}


@pytest.fixture
def _schemas_made_anew() -> Iterator[None]:
    """A process has its tables from the start and makes a schema once; here they change within."""
    schema_guide._schema.cache_clear()
    yield
    schema_guide._schema.cache_clear()


@pytest.mark.usefixtures("_schemas_made_anew")
@pytest.mark.parametrize(
    ("section", "allowed"),
    [
        ({"models": {"small": {"provider": "parot", "model": "x"}}}, "did you mean `parrot`"),
        ({"judging": {"judges": [{"model": "small", "protocol": "sternn"}]}}, "mean `stern`"),
        ({"prompts": {"path": "x", "format": "bulets"}}, "did you mean `bullets`"),
    ],
    ids=["provider", "protocol", "row format"],
)
def test_a_misspelled_name_is_told_what_the_tables_hold_now(
    tmp_path: Path,
    server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
    section: dict[str, Any],
    allowed: str,
) -> None:
    monkeypatch.setitem(PROVIDERS, "parrot", ProviderFacts(f"{HERE}:Parrot"))
    monkeypatch.setitem(PROTOCOLS, "stern", ProtocolFacts("one", f"{HERE}:SternJudge"))
    monkeypatch.setitem(ROW_FORMATS, "bullets", RowFormat((), f"{HERE}:read_bullets"))
    with pytest.raises(ConfigError, match=allowed):
        judgeforge.load_config(write_config(tmp_path, server, **section))
