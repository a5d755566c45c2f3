"""A model of `transformers` in this process, and the thread that reads batches with it.

While a batch is read, further requests wait; all that wait, up to ``batch_size``, are the next one.
So batches grow with what is asked at once, and nothing waits for a batch to fill.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from judgeforge.calls.providers.base import Body
from judgeforge.calls.providers.transformers_files import LoadedModel, load_model
from judgeforge.calls.providers.transformers_reading import (
    Text,
    next_token_answers,
    rewards_of,
    texts_of,
)
from judgeforge.config.model import ModelConfig
from judgeforge.errors import JudgeforgeError, NoReplyError, OverlongRequestError, StatusError

BATCH_SIZE = 16
"""Requests that are read at once, where `params.batch_size` says nothing."""
CLOSE_S = 5.0


@dataclass(slots=True)
class _Job:
    body: Body
    reply: Future[bytes] = field(default_factory=Future)
    texts: tuple[Text, ...] = ()
    """One of a conversation, one of each question."""


class TransformersEngine:
    def __init__(self, model: ModelConfig) -> None:
        """Raises ConfigError where the model cannot be loaded or gives neither of the two."""
        self._loaded: LoadedModel = load_model(model)
        self._name = model.model
        self._most = int(model.passed_on.get("batch_size", BATCH_SIZE))
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(
            target=self._work, name="judgeforge-transformers", daemon=True
        )
        self._thread.start()

    def submit(self, body: Body) -> Future[bytes]:
        """The reply to come. It may raise OverlongRequestError and UnsuitedRequestError, which are
        about this request, and ConfigError."""
        if self._closed:
            raise NoReplyError("the transformers engine is closed", model=self._name)
        job = _Job(body)
        self._waiting.put(job)
        return job.reply

    def close(self) -> None:
        """What waits gets no reply; the batch that is being read is waited for a while."""
        self._closed = True
        self._waiting.put(None)
        self._thread.join(CLOSE_S)

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            jobs = [first]
            while len(jobs) < self._most and not self._waiting.empty():
                job = self._waiting.get()
                if job is None:
                    self._waiting.put(None)
                    break
                jobs.append(job)
            if self._closed:
                break
            # Whoever waited may have given up meanwhile.
            begun = [job for job in jobs if job.reply.set_running_or_notify_cancel()]
            self._answer([job for job in begun if self._is_written(job)])

    def _is_written(self, job: _Job) -> bool:
        """Whether the request is tokens now; if not, its waiter knows why."""
        try:
            job.texts = texts_of(self._loaded, job.body)
            for text in job.texts:
                self._check_length(text)
        except JudgeforgeError as error:
            job.reply.set_exception(error)
        except Exception as error:  # noqa: BLE001 (tokenizers and templates raise all kinds)
            what = f"the tokenizer of `{self._name}` failed: {type(error).__name__}: {error}"
            job.reply.set_exception(StatusError(what, status=400, model=self._name))
        else:
            return True
        return False

    def _check_length(self, text: Text) -> None:
        most = self._loaded.most_tokens
        if len(text.ids) > most:
            raise OverlongRequestError(
                f"{len(text.ids):,} tokens do not fit into the {most:,} that `{self._name}` reads, "
                "and nothing is cut",
                status=413,
                model=self._name,
            )

    def _answer(self, jobs: Sequence[_Job]) -> None:
        if not jobs:
            return
        try:
            replies = self._read(jobs)
        except JudgeforgeError as error:
            _fail(jobs, error)
        except Exception as error:  # noqa: BLE001 (torch raises all kinds; each job names it)
            if self._loaded.is_out_of_memory(error):
                self._answer_halves(jobs, error)
            else:
                what = f"the transformers engine failed: {type(error).__name__}: {error}"
                _fail(jobs, StatusError(what, status=500, model=self._name))
        else:
            for job, reply in zip(jobs, replies, strict=True):
                job.reply.set_result(reply)

    def _answer_halves(self, jobs: Sequence[_Job], error: Exception) -> None:
        self._loaded.free_memory()
        if len(jobs) == 1:
            what = f"there is no memory for {sum(len(one.ids) for one in jobs[0].texts):,} tokens"
            _fail(jobs, OverlongRequestError(f"{what}: {error}", status=413, model=self._name))
            return
        half = len(jobs) // 2
        for part in (jobs[:half], jobs[half:]):
            self._answer(part)

    def _read(self, jobs: Sequence[_Job]) -> list[bytes]:
        texts = [text for job in jobs for text in job.texts]
        read = rewards_of if self._loaded.is_classifier else next_token_answers
        found = iter(read(self._loaded, texts))
        return [self._reply(job, [next(found) for _ in job.texts]) for job in jobs]

    def _reply(self, job: _Job, found: Sequence[Any]) -> bytes:
        tokens = sum(len(text.ids) for text in job.texts)
        reply: dict[str, Any] = {"model": self._name, "input_tokens": tokens}
        if self._loaded.is_classifier:
            reply["rewards"] = list(found)
        else:
            names = [question["name"] for question in job.body["questions"]]
            reply["answers"] = [
                {"name": name, **answer} for name, answer in zip(names, found, strict=True)
            ]
        return json.dumps(reply, separators=(",", ":")).encode()


def _fail(jobs: Sequence[_Job], error: JudgeforgeError) -> None:
    for job in jobs:
        job.reply.set_exception(error)
