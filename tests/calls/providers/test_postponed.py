"""Parts of an SDK that nothing asks for are not loaded, and are there for whoever does ask."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SEND_TO = """
import asyncio, sys
from judgeforge.calls.providers.base import open_provider
from judgeforge.config.model import ModelConfig
from judgeforge.errors import CallError
settings = ModelConfig.model_validate(
    {"provider": PROVIDER, "model": "m", "base_url": "http://127.0.0.1:9/v1"}
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
SEND = SEND_TO.replace("PROVIDER", "'openai'")
SEND_TO_ANTHROPIC = SEND_TO.replace("PROVIDER", "'anthropic'").replace("/v1", "")


def printed(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_request_loads_no_other_client_of_the_sdk_and_no_types_of_replies() -> None:
    loaded = printed(SEND + "print(*[m for m in sys.modules if m.startswith('openai.')])").split()
    assert "openai._client" in loaded
    unused = ("openai.lib.azure", "openai.lib.bedrock", "openai.resources", "openai.types.")
    assert [name for name in loaded if name.startswith(unused)] == [
        "openai.types.responses",
        "openai.types.shared",
        "openai.types.shared.oauth_error_code",
    ]


@pytest.mark.slow
def test_a_request_to_anthropic_loads_a_third_of_its_sdk() -> None:
    code = SEND_TO_ANTHROPIC + ("print(*[m for m in sys.modules if m.startswith('anthropic.')])")
    loaded = printed(code).split()
    assert "anthropic._client" in loaded
    assert [name for name in loaded if name.startswith("anthropic.lib.streaming")] == []
    assert len(loaded) < 1_500  # of 3,100


@pytest.mark.slow
def test_a_class_of_a_postponed_package_is_the_same_before_and_after_all_of_it_is_loaded() -> None:
    code = SEND_TO_ANTHROPIC + (
        "from anthropic.types import Message, MessageParam\n"
        "from anthropic.types.beta import BetaMessage\n"
        "before = Message, MessageParam, BetaMessage\n"
        "from anthropic import types, AsyncAnthropicBedrock\n"
        "import anthropic\n"
        "after = types.Message, anthropic.types.MessageParam, types.beta.BetaMessage\n"
        "print(before == after, AsyncAnthropicBedrock.__name__,"
        " anthropic.AsyncAnthropic(api_key='none').messages is not None)"
    )
    assert printed(code) == "True AsyncAnthropicBedrock True"


@pytest.mark.slow
def test_what_was_set_before_the_sdk_is_loaded_stays_set() -> None:
    code = SEND + (
        "import openai\n"
        "openai.api_key = 'mine'\n"
        "print('openai.resources' in sys.modules, openai.__version__ > '1',"
        " openai.AzureOpenAI.__name__, openai.api_key, 'OpenAI' in openai.__all__)"
    )
    assert printed(code) == "False True AzureOpenAI mine True"


@pytest.mark.slow
def test_threads_that_ask_at_once_all_get_what_they_ask_for(tmp_path: Path) -> None:
    (tmp_path / "sdk").mkdir()
    (tmp_path / "sdk" / "__init__.py").write_text(
        "import time\ntime.sleep(0.05)\nfrom . import part\nasked = part.asked\nThing = object\n"
    )
    (tmp_path / "sdk" / "part.py").write_text(
        "import sdk\nasked = hasattr(sdk, 'Thing'), hasattr(sdk, 'part'), hasattr(sdk, 'Thing')\n"
    )
    code = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from judgeforge.calls.providers.postponed import postpone\n"
        "postpone('sdk')\nimport sdk\n"
        "with ThreadPoolExecutor(8) as threads:\n"
        "    found = list(threads.map(lambda _: sdk.Thing, range(8)))\n"
        "print({*found} == {object}, sdk.asked, hasattr(sdk, 'NoThing'))"
    )
    assert printed(code) == "True (False, True, False) False"


@pytest.mark.slow
@pytest.mark.parametrize("value", ["debug", ""])
def test_an_sdk_that_is_to_log_does(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OPENAI_LOG", value)
    code = SEND + "import logging\nprint(logging.getLogger('openai').level == logging.DEBUG)"
    assert printed(code) == str(value == "debug")


@pytest.mark.slow
def test_clients_that_another_version_keeps_elsewhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "__init__.py").write_text("class Client: ...\nDefaultAioHttpClient = 1\n")
    code = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from judgeforge.calls.providers.postponed import clients_of\n"
        "print(clients_of('moved', 'Client', 'moved.types'))"
    )
    assert printed(code) == "(<class 'moved.Client'>, 1)"


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
