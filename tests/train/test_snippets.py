"""What the documentation and the dataset card show for TRL runs as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = [pytest.mark.train, pytest.mark.timeout(600)]

TRAINING = Path(__file__).parents[2] / "docs" / "training.md"


def snippets(text: str) -> list[str]:
    return [part.split("```")[0] for part in text.split("```python\n")[1:]]


def run_all(text: str, folder: Path, model: str) -> list[dict[str, object]]:
    found = []
    for snippet in snippets(text):
        ready = snippet.replace("your/model", model)
        ready = ready.replace("output_dir=", "use_cpu=True, output_dir=")
        for name in ("runs/first", "runs/second", "path/to/this/folder"):
            ready = ready.replace(name, str(folder))
        names: dict[str, object] = {}
        exec(compile(ready, "snippet", "exec"), names)  # noqa: S102 (our own documentation)
        found.append(names)
    return found


@pytest.mark.parametrize("source", ["docs", "card"])
def test_the_snippets_run(
    source: str,
    folder: Path,
    model: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(place)
    text = (TRAINING if source == "docs" else folder / "README.md").read_text(encoding="utf-8")
    ran = run_all(text, folder, model)
    assert len(ran) == {"docs": 6, "card": 2}[source]
    trained = [names["trainer"] for names in ran if "trainer" in names]
    assert len(trained) == {"docs": 3, "card": 1}[source]
    assert all(trainer.state.global_step > 0 for trainer in trained)  # type: ignore[attr-defined]
