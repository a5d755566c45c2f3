"""What `check` and `plan` say of settings that cannot do what they are there for."""

import pytest

from tests.run_setup import model, write_config


@pytest.fixture
def said(tmp_path, server, command):
    """Their lines that warn of something; neither is stopped by it, and nothing is sent."""

    def call(**parts):
        config = write_config(tmp_path, server, **parts)
        told = []
        for name in ("check", "plan"):
            code, shown, _ = command(name, config)
            assert code == 0
            told.append([line for line in shown.splitlines() if line.startswith("warning: ")])
        assert not server.requests
        by_check, by_plan = told
        assert by_check == by_plan
        return by_check

    return call


@pytest.fixture
def judges(server):
    def two(first, second):
        models = {name: model(server, model=name) for name in ("small", "strong")}
        judges = [{"model": "small", **first}, {"model": "strong", **second}]
        return {"models": models, "judging": {"judges": judges, "cascade": {"of": "best"}}}

    return two


@pytest.mark.parametrize("tier", [1, 2])
def test_a_cascade_of_one_tier_does_nothing(said, judges, tier):
    (warning,) = said(**judges({"tier": tier}, {"tier": tier}))
    assert "judging.cascade does nothing" in warning
    assert "`tier: 2`" in warning


@pytest.mark.parametrize("second", [{"tier": 2}, {"repeats": 2}])
def test_one_that_has_more_to_ask_is_fine(said, judges, second):
    assert said(**judges({}, second)) == []
