"""Faults of the input: configurations that would hurt whoever reads them."""

from __future__ import annotations

from tests.faults.scene import Scene
from tests.faults.table import fault
from tests.support.run_setup import KEY


def _refused(name: str, done: str, text: str, said: str, *, quick: bool = False) -> None:
    @fault(
        f"config-{name}",
        done=done,
        promise="Exit 2 in a moment, before anything is sent; one line with file and line.",
        quick=quick,
    )
    def show(scene: Scene) -> str:
        scene.configure()
        config = scene.folder / "config.yaml"
        config.write_text(config.read_text() + text)
        seen = scene.sends_nothing(2, said)
        assert str(config) in seen.message
        assert "\n" not in seen.message
        assert seen.seconds < 10
        assert not (scene.folder / "pwned").exists()
        config.write_text("")  # Some of them hold the key, and the folder is searched.
        return f"exit 2: “… {said} …”"


_LAUGHS = "a0: &a0 [ha]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)

_refused(
    "alias-bomb", "Nested aliases stand for a hundred billion values.", _LAUGHS, "aliases expand"
)
_refused("too-deep", "Lists are nested 200,000 deep.", "x: " + "[" * 200_000, "nested deeper")
_refused("too-large", "The file has 2 MiB.", "#" * 2**21, "larger than 1 MiB")
_refused(
    "tag",
    "A tag asks for a Python object.",
    'x: !!python/object/apply:os.system ["touch pwned"]\n',
    "is not allowed",
    quick=True,
)
_refused("unknown-key", "A key is misspelt.", "budgte: {usd: 1}\n", "did you mean `budget`")
_refused("key-as-value", "A value looks like a key.", f"rubrik: {KEY}\n", "api_key_env")
_refused("no-yaml", "The file is not YAML.", "x: [1, 2\n", "not valid YAML")
