"""A server on loopback that plays the models: it writes answers of hidden quality, and judges.

Prints one JSON line with the port. Every model name is served, and any key, by the APIs of

  openai      base_url: http://127.0.0.1:PORT/v1   (also openai_decisions)
  systemone   base_url: http://127.0.0.1:PORT/v1
  anthropic   base_url: http://127.0.0.1:PORT
  classify    base_url: http://127.0.0.1:PORT      (also tei)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal

from tests.local_server.batches import BatchBehaviour
from tests.local_server.limits import Limits
from tests.local_server.server import listen
from tests.local_server.service import Behaviour, Service


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.local_server",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--slots", type=int, help="so many requests are answered at a time")
    parser.add_argument("--noise-sd", type=float, default=0.02)
    parser.add_argument(
        "--skill",
        action="append",
        default=[],
        metavar="MODEL=QUALITY",
        help="mean quality (0 to 1) of what a model writes; of others it is 0.5",
    )
    parser.add_argument("--cached-share", type=float, default=0.0)
    parser.add_argument(
        "--prefix-cache", choices=["vllm", "providers"], help="count what prompts begin with"
    )
    parser.add_argument("--batch-delay-s", type=float, default=0.0, help="until one is answered")
    parser.add_argument("--rpm", type=float)
    parser.add_argument("--tpm", type=float)
    parser.add_argument("--keep-bodies", action="store_true", help="GET /_bodies gives them")
    parser.add_argument("--lifetime-s", type=float, default=900.0, help="then it ends by itself")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(asked: argparse.Namespace) -> None:
    behaviour = Behaviour(
        latency_s=asked.latency_ms / 1000,
        slots=asked.slots,
        batches=BatchBehaviour(delay_s=asked.batch_delay_s),
        noise_sd=asked.noise_sd,
        skill_by_model={
            name: float(value) for name, _, value in (one.rpartition("=") for one in asked.skill)
        },
        cached_share=asked.cached_share,
        prefix_cache=asked.prefix_cache,
        limits=Limits(rpm=asked.rpm, tpm=asked.tpm),
        keep_bodies=asked.keep_bodies,
    )
    runner, port = await listen(Service(behaviour), asked.port)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    print(json.dumps({"port": port}), flush=True)
    try:
        await asyncio.wait_for(stop.wait(), asked.lifetime_s)
    except TimeoutError:
        print(json.dumps({"ended": f"after {asked.lifetime_s:g} s"}), flush=True)
    await runner.cleanup()


if __name__ == "__main__":
    main()
