"""The tokenizer that limits of length count with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.preparation.tokenizer import read_tokenizer
from tests.local_server import LocalServer
from tests.support.run_setup import write_config


def config_of(folder: Path, server: LocalServer, **pairing: Any) -> judgeforge.RunConfig:
    settings = {"max_token_difference": 9, **pairing}
    return judgeforge.load_config(write_config(folder, server, pairing=settings))


def test_without_one_tokens_are_estimated(tmp_path: Path, server: LocalServer) -> None:
    assert read_tokenizer(config_of(tmp_path, server)) is None


def test_a_file_counts_as_the_library_does(tmp_path: Path, server: LocalServer) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="the extra `tokens`, which CI installs")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0}, unk_token="?"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.save(str(tmp_path / "tokenizer.json"))
    for name in ("tokenizer.json", "."):
        count = read_tokenizer(config_of(tmp_path, server, tokenizer=name))
        assert count is not None
        assert count("one two three") == 3


def test_a_library_that_is_missing_is_named_with_its_extra(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    config = config_of(tmp_path, server, tokenizer="some/model")
    with pytest.raises(ConfigError, match=r"judgeforge\[tokens\]") as refused:
        read_tokenizer(config)
    assert "config.yaml:" in str(refused.value), "file and line"
    assert any("judgeforge[tokens]" in one for one in check_run(config).problems)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, server: LocalServer) -> None:
    pytest.importorskip("tokenizers", reason="the extra `tokens`, which CI installs")
    with pytest.raises(ConfigError, match="there is no file"):
        read_tokenizer(config_of(tmp_path, server, tokenizer="nowhere.json"))
