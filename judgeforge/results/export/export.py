"""Exporting run folders to a target format, whole or split into train and test."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from judgeforge.config.prompt_files import prompt_folder
from judgeforge.errors import ConfigError
from judgeforge.records import PreferencePair
from judgeforge.results.export.formats.judged import BAD, GOOD, IN_DOUBT, NOT_GOOD
from judgeforge.results.export.known_targets import TARGETS, find_target
from judgeforge.results.export.places import (
    DESCRIPTION,
    earlier_files,
    places,
    refuse_taken,
    remove,
)
from judgeforge.results.export.targets import (
    NAMES,
    PICTURES,
    Export,
    ExportOptions,
    Target,
    Write,
    has_names,
)
from judgeforge.results.export.thinking import (
    has_earlier_thoughts,
    judged_with_thinking,
    with_thinking,
)
from judgeforge.results.how_made import part, unfinished
from judgeforge.results.judged_prompts import JudgedCompletions, judged_prompts
from judgeforge.store.atomic_files import chosen_place, new_folder, replacing
from judgeforge.store.folder import RunFolder, why_no_run_folder
from judgeforge.store.json_lines import read_records
from judgeforge.store.pair_columns import THOUGHT, PairColumns
from judgeforge.text.wording import counted, listed

Side = Literal["train", "test"]

_REFUSED, _UNNAMED, _UNTHOUGHT = "refused", "without names", "without earlier thoughts"


@dataclass(frozen=True, slots=True)
class ExportSummary:
    target: str
    files: Mapping[Side, Path]
    rows: Mapping[Side, int]
    """Pairs, prompts, or whatever else is a row of the format."""
    description: Path | None = None
    """The ``dataset_info.json``, where the target has one."""
    what: str = "pair"
    notes: tuple[str, ...] = ()
    """What is not there, and why."""

    def lines(self) -> Iterator[str]:
        """What was written, one line a file."""
        for side, path in self.files.items():
            number = self.rows[side]
            what = self.what if number == 1 else f"{self.what}s"
            yield f"wrote {path}: {number:,} {what} ({self.target}, {side})"
        if self.description:
            yield f"wrote {self.description}"
        yield from self.notes


@dataclass(slots=True)
class _Progress:
    counts: Counter[str] = field(default_factory=Counter)
    first_refused: str = ""

    def count(self, what: str) -> None:
        self.counts[what] += 1


def export_pairs(
    folder: Path | Sequence[Path],
    *,
    target: str,
    to: Path,
    test_share: float = 0.0,
    force: bool = False,
    leave_out: bool = False,
    with_margin: bool = False,
    options: ExportOptions | None = None,
) -> ExportSummary:
    """Write what the run folder ``folder`` has, or several, in the format ``target``.

    ``to`` is a file with the suffix of the format, or a folder that gets ``train`` and ``test``
    files. With a file, the test side goes beside it: ``x.jsonl`` and ``x.test.jsonl``. All rows
    of a prompt are on the same side. ``with_margin`` is that of the ``options``. ``leave_out``
    leaves out pairs that the format cannot hold whole, and counts them. ``force`` replaces an
    earlier export, its test side included.

    Raises ConfigError (folder, format, place, share or options are wrong, or a pair does not go
    into the format) or StoreError (a file cannot be read, or the disk fails). Nothing is left half
    written.
    """
    format_, options = find_target(target), options or ExportOptions()
    options = replace(options, with_margin=options.with_margin or with_margin)
    folders = [RunFolder(one) for one in ([folder] if isinstance(folder, Path) else folder)]
    _check(folders, target, format_, options, test_share)
    columns = _columns(folders, format_)
    columns.pictures = columns.pictures and PICTURES in format_.holds
    if options.thinking != "field":
        columns.message_keys.discard(THOUGHT)
    train, test = places(to, format_, target, columns)
    description = train.parent / DESCRIPTION if format_.describe else None
    written = [train, *([test] if test_share else [])]
    earlier = earlier_files(to, format_, written)
    beside = [description] if description else []
    refuse_taken([*written, *earlier, *beside], folders, force=force)
    files: dict[Side, Path] = {"train": train, "test": test} if test_share else {"train": train}
    progress = _Progress()
    export = Export(
        options=options,
        columns=columns,
        threshold=_threshold(folders, options) if format_.reads == "prompts" else 0.5,
        count=progress.count,
    )
    items = _items(folders, target, format_, progress, export, leave_out=leave_out)
    rows = _write(items, files, format_, export, progress, test_share=test_share)
    for file in earlier:
        remove(file)
    if description and format_.describe:
        _describe(description, format_.describe([f.name for f in files.values()], columns))
    what = "prompt" if format_.reads == "prompts" else "pair"
    notes = (*_unfinished(folders), *_notes(progress, export))
    if not sum(rows.values()):
        notes = (*notes, f"no {what} is in it, and trainers refuse that; skips.jsonl says why")
    return ExportSummary(target, files, rows, description, what, notes)


def side_of(prompt_id: str, test_share: float) -> Side:
    """The same id is always on the same side, so that growing a run moves no prompt.

    ``test_share`` (0 to 1) is the probability of ``test`` over all possible ids; the share of a
    small run can be well off it.
    """
    digest = hashlib.sha256(b"split:" + prompt_id.encode()).digest()
    return "test" if int.from_bytes(digest[:8], "big") < test_share * 2**64 else "train"


def _check(
    folders: Sequence[RunFolder],
    name: str,
    target: Target,
    options: ExportOptions,
    test_share: float,
) -> None:
    """Raises ConfigError."""
    if not folders:
        raise ConfigError("name at least one run folder")
    for folder in folders:
        if not folder.pairs.is_file():
            raise ConfigError(why_no_run_folder(folder.path, lacks=folder.pairs.name))
    places = Counter(folder.path.resolve() for folder in folders)
    if twice := [place for place, times in places.items() if times > 1]:
        raise ConfigError(f"{twice[0]} is named twice, which would write each of its pairs twice")
    if not 0 <= test_share < 1:
        raise ConfigError(f"test share {test_share}: it must be at least 0 and less than 1.")
    if not 0.5 < options.least_sure <= 1:
        raise ConfigError(
            f"--least-sure {options.least_sure}: it must be above 0.5, and at most 1."
        )
    for option, flag in options.asked.items():
        if option not in target.understands:
            able = listed([one for one, other in TARGETS.items() if option in other.understands])
            raise ConfigError(
                f"the format `{name}` does not take {flag}, which is for {able}: leave it out."
            )
    if target.needs is not None and target.needs not in options.asked:
        raise ConfigError(
            f"the format `{name}` needs --{target.needs}: a chat template by name (chatml), a "
            "Jinja file, or the folder of a tokenizer."
        )


def _columns(folders: Sequence[RunFolder], target: Target) -> PairColumns:
    """Of all rows together, since all of them have the same."""
    columns = PairColumns()
    for folder in folders:
        if target.reads == "prompts":
            for judged in judged_prompts(folder):
                conversations = [judged.prompt, *([one.message] for one in judged.completions)]
                columns.add_prompt(
                    judged.row, [[m.model_dump(mode="json") for m in c] for c in conversations]
                )
            continue
        with folder.pairs.open("rb") as lines:
            for line in lines:
                columns.add_line(line)
    return columns


def _items(
    folders: Sequence[RunFolder],
    name: str,
    target: Target,
    progress: _Progress,
    export: Export,
    *,
    leave_out: bool,
) -> Iterator[PreferencePair | JudgedCompletions]:
    """What the target reads, without what it cannot hold. Raises ConfigError for that unless it is
    to be left out."""
    thinking = export.options.thinking
    more = target.refuses(export.options) if target.refuses else lambda _: None
    for folder in folders:
        export.pictures_from = _pictures_from(folder) if export.columns.pictures else None
        if target.reads == "prompts":
            for judged in judged_prompts(folder):
                if thinking == "inline" and has_earlier_thoughts(judged):
                    progress.count(_UNTHOUGHT)
                yield judged_with_thinking(judged, thinking)
            continue
        for kept in read_records(folder.pairs, PreferencePair):
            pair = with_thinking(kept, thinking)
            why = target.why_refused(pair) or more(pair)
            if why is None:
                if thinking == "inline" and has_earlier_thoughts(kept):
                    progress.count(_UNTHOUGHT)
                if NAMES not in target.holds and has_names(pair):
                    progress.count(_UNNAMED)
                yield pair
                continue
            if not leave_out:
                raise ConfigError(
                    f"pair {pair.id}: the format `{name}` {why}. --leave-out exports the others."
                )
            progress.count(_REFUSED)
            progress.first_refused = progress.first_refused or f"`{pair.id}`: `{name}` {why}"


def _threshold(folders: Sequence[RunFolder], options: ExportOptions) -> float:
    """The mean score of everything that was judged, unless a score is asked for."""
    if options.good_above is not None:
        return options.good_above
    total, number = 0.0, 0
    for folder in folders:
        for judged in judged_prompts(folder):
            total += sum(one.score for one in judged.completions)
            number += len(judged.completions)
    return total / number if number else 0.5


def _pictures_from(folder: RunFolder) -> Path | None:
    """The folder of the input, from which it names its pictures."""
    manifest = folder.read_manifest()
    path = part(manifest.config if manifest else {}, "prompts", "path")
    if not isinstance(path, str | list) or not path:
        return None
    return prompt_folder(Path(path) if isinstance(path, str) else [*map(Path, path)])


def _write(
    items: Iterable[Any],
    files: Mapping[Side, Path],
    target: Target,
    export: Export,
    progress: _Progress,
    *,
    test_share: float,
) -> dict[Side, int]:
    """How many items each file has something of."""
    rows: dict[Side, int] = dict.fromkeys(files, 0)
    with ExitStack() as stack:
        with chosen_place(files["train"]):
            stack.enter_context(new_folder(files["train"].parent))
            writers: dict[Side, Write] = {
                side: stack.enter_context(target.open(path, export)) for side, path in files.items()
            }
        for item in items:
            side, left_out = side_of(item.prompt_id, test_share), progress.counts[NOT_GOOD]
            writers[side](item)
            rows[side] += progress.counts[NOT_GOOD] == left_out
    return rows


def _unfinished(folders: Sequence[RunFolder]) -> Iterator[str]:
    for folder in folders:
        manifest = folder.read_manifest()
        if manifest is not None and manifest.unfinished:
            yield f"{folder.path} {unfinished(manifest)}"


def _notes(progress: _Progress, export: Export) -> Iterator[str]:
    counts = progress.counts
    refused, doubt = counts[_REFUSED], counts[IN_DOUBT]
    if refused:
        yield f"left out {counted(refused, 'pair')}; the first is {progress.first_refused}"
    if unnamed := counts[_UNNAMED]:
        yield f"{counted(unnamed, 'pair')} without the names of who speaks, which have no place"
    if unthought := counts[_UNTHOUGHT]:
        yield (
            f"{counted(unthought, 'row')} without the thoughts of earlier turns, which only "
            "`--thinking field` keeps"
        )
    if labelled := counts[GOOD] + counts[BAD] + doubt:
        yield (
            f"{counted(counts[GOOD], 'completion')} good, {counts[BAD]} bad; {doubt} of {labelled} "
            f"({doubt / labelled:.1%}) left out as in doubt: neither above nor below a score of "
            f"{export.threshold:.3f} with a probability of {export.options.least_sure:g}"
        )
    if counts[NOT_GOOD]:
        why = "the best answer fails a required check"
        if export.options.good_above is not None:
            why += (
                f", or does not exceed a score of {export.threshold:g} with a probability of "
                f"{export.options.least_sure:g}"
            )
        yield f"left out {counted(counts[NOT_GOOD], 'prompt')}: {why}"


def _describe(path: Path, content: Mapping[str, object]) -> None:
    with replacing(path) as file:
        file.write(json.dumps(content, indent=2).encode() + b"\n")
