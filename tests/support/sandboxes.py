"""Whether this machine has what verifiers need; tests that need it are skipped by name elsewhere.

`.ci/run` sets ``SANDBOX_MUST_WORK`` once bubblewrap is there: then nothing is skipped.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

from judgeforge.judging.programs.sandbox import SandboxUnavailableError, open_sandbox


def _no_sandbox() -> str:
    try:
        open_sandbox()
    except SandboxUnavailableError as error:
        return str(error)
    return ""


WHY_NO_SANDBOX = "" if os.environ.get("SANDBOX_MUST_WORK") else _no_sandbox()
needs_sandbox = pytest.mark.skipif(bool(WHY_NO_SANDBOX), reason=f"no sandbox: {WHY_NO_SANDBOX}")
needs_mathematics = pytest.mark.skipif(
    find_spec("math_verify") is None, reason='not installed: pip install "judgeforge[verify]"'
)
