"""Parts of an SDK that nothing asks for are not loaded, and are there for whoever does ask."""

from __future__ import annotations

import subprocess
import sys

import pytest

SEND = """
import asyncio, sys
from judgeforge.calls.providers.base import open_provider
from judgeforge.config.model import ModelConfig
from judgeforge.errors import CallError
settings = ModelConfig.model_validate(
    {"provider": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
)
async def send():
    provider = open_provider(settings, None)
    try:
        await provider.send({"model": "m", "messages": []}, model=settings)
    except CallError:
        pass  # nothing listens there
    await provider.close()
asyncio.run(send())
"""


def printed(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_request_loads_no_types_of_the_responses_api() -> None:
    loaded = printed(SEND + "print('openai' in sys.modules, len([m for m in sys.modules"
                     " if m.startswith('openai.types.responses.')]))")  # fmt: skip
    there, types = loaded.split()
    assert there == "True"
    assert int(types) < 20


@pytest.mark.slow
def test_types_are_there_for_whoever_asks() -> None:
    code = SEND + (
        "import openai\n"
        "from openai.types.responses import Response\n"
        "from openai.types import Batch\n"
        "import openai.types.chat.chat_completion as chat\n"
        "client = openai.AsyncOpenAI(api_key='none')\n"
        "print(Response.__name__, openai.types.Batch is Batch, chat.ChatCompletion.__name__,"
        " client.responses is not None, client.batches is not None)"
    )
    assert printed(code) == "Response True ChatCompletion True True"


@pytest.mark.slow
def test_an_sdk_that_is_loaded_already_stays_as_it_is() -> None:
    code = (
        "import openai\n"
        "before = sys.modules['openai.types']\n"
        "from judgeforge.calls.providers.postponed import postpone\n"
        "postpone('openai.types')\n"
        "print(sys.modules['openai.types'] is before)"
    )
    assert printed("import sys\n" + code) == "True"


@pytest.mark.slow
def test_a_package_that_is_not_there_is_left_alone() -> None:
    code = (
        "import sys\n"
        "from judgeforge.calls.providers.postponed import postpone\n"
        "postpone('openai.no_such_part', 'no_such_sdk.types')\n"
        "import openai\n"
        "print('openai.no_such_part' in sys.modules)"
    )
    assert printed(code) == "False"
