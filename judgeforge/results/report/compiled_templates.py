"""Templates in their sandbox, compiled once: kept where Python keeps its compiled modules.

To compile the templates of a page takes longer than to judge a prompt. What was compiled lies in
``__pycache__`` beside them (or under PYTHONPYCACHEPREFIX), is trusted as the modules there are, and
is made anew when a template, Jinja or the way of compiling is another. Where it cannot be written,
or Python was told to write none (PYTHONDONTWRITEBYTECODE), every start compiles.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

_DIGEST_BYTES = 32


class Sandbox(ImmutableSandboxedEnvironment):
    """Decides once of each attribute of a type whether a template may read it: asked of each value
    anew, that takes as long as all the rest of a page."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 (those of Jinja)
        super().__init__(**options)
        self._is_safe: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401
        key = type(obj), attr
        if key not in self._is_safe:
            self._is_safe[key] = super().is_safe_attribute(obj, attr, value)
        return self._is_safe[key]


class CompiledTemplates(BytecodeCache):
    """Of the templates in one ``folder``. Neither reading nor writing ever raises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            kept = self._file(bucket).read_bytes()
        except OSError:
            return  # not compiled yet
        digest, code = kept[:_DIGEST_BYTES], kept[_DIGEST_BYTES:]
        # What a kill or a full disk left half written is not code.
        if hashlib.sha256(code).digest() == digest:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if sys.dont_write_bytecode:
            return
        code = bucket.bytecode_to_string()
        file = self._file(bucket)
        # As for modules: a package that cannot be written is compiled at each start.
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            beside = file.with_name(f"{file.name}.{os.getpid()}")
            try:
                beside.write_bytes(hashlib.sha256(code).digest() + code)
                beside.replace(file)
            finally:
                beside.unlink(missing_ok=True)

    def _file(self, bucket: Bucket) -> Path:
        way = _way_of_compiling(bucket.environment)
        return Path(cache_from_source(str(self._folder / bucket.key), optimization=way))

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        del filename
        return name


def _way_of_compiling(environment: jinja2.Environment) -> str:
    """Short, of letters and digits: another one for each setting that the compiled form shows."""
    finalize = environment.finalize
    settings = (
        jinja2.__version__,
        isinstance(environment, SandboxedEnvironment),
        environment.autoescape,
        None if finalize is None else finalize.__qualname__,
        environment.trim_blocks,
        environment.lstrip_blocks,
        environment.keep_trailing_newline,
        environment.optimized,
        sorted(environment.filters),
        sorted(environment.tests),
    )
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]
