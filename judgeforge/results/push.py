"""Publishes a run folder as a data set on the Hugging Face Hub, in one commit.

Private unless asked otherwise, whatever the owner's default is: the Hub makes new repositories
public. Only what is meant for others goes there: the pairs and the card, and with ``everything``
the completions, judgments and skips as well. The manifest, the log, the report and ``state`` stay,
since they name addresses and paths of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from judgeforge.errors import CallError, ConfigError, StoreError
from judgeforge.results.card import THIS_FOLDER
from judgeforge.results.how_made import unfinished
from judgeforge.store.atomic_files import read_error
from judgeforge.store.folder import RunFolder, why_no_run_folder
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError

_KIND = "dataset"
_REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
_HEADER = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)
_LICENSE_SECTION = re.compile(r"\n## License\n\n.*\Z", re.DOTALL)
_LOGIN = "Log in (hf auth login), or set HF_TOKEN to a token that may write there."
_ADVICE = {
    401: f"the Hub does not know who you are. {_LOGIN}",
    403: f"your token may not write there. {_LOGIN}",
    404: f"there is no such owner, or your token may not see it. {_LOGIN}",
    409: "it was changed at the same moment. Start the same command again.",
}


@dataclass(frozen=True, slots=True)
class Pushed:
    repository: str
    address: str
    is_private: bool
    files: int
    is_new: bool
    """Whether the repository was made."""
    is_changed: bool
    """Whether there was anything that it did not have already."""
    notes: tuple[str, ...] = ()
    """What those who publish should know."""

    def lines(self) -> list[str]:
        seen_by = "private: only you and its owner see it" if self.is_private else "public"
        if not self.is_changed:
            told = [f"{self.repository} has these files already ({seen_by}): {self.address}"]
        else:
            how = "made, with" if self.is_new else "updated:"
            number = counted(self.files, "file")
            told = [f"{self.repository} was {how} {number} ({seen_by})", self.address]
        return [*told, *(f"note: {note}" for note in self.notes)]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What would be published."""

    repository: str
    card: bytes
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    """What those who publish should know."""

    def lines(self, *, public: bool) -> list[str]:
        """Of what ``push`` would send; the card last."""
        seen_by = (
            "public where it is new, else as it is"
            if public
            else "private; refused where it is there and public"
        )
        sizes = {"README.md": len(self.card)} | {one.name: one.stat().st_size for one in self.files}
        return [
            f"nothing was sent; {self.repository} would have ({seen_by}):",
            *(f"  {name}: {size:,} bytes" for name, size in sizes.items()),
            *(f"note: {note}" for note in self.notes),
            "README.md:",
            self.card.decode(),
        ]


def prepare_push(
    folder: Path | str,
    repository: str,
    *,
    license: str | None = None,  # noqa: A002 (what the card calls it)
    everything: bool = False,
) -> Prepared:
    """What ``push`` would publish: nothing is sent, and the Hub is asked nothing. Raises
    ConfigError and StoreError as ``push`` does."""
    run = RunFolder(Path(folder))
    if not run.is_one():
        raise ConfigError(why_no_run_folder(run.path))
    if not _REPOSITORY.fullmatch(repository):
        raise ConfigError(f"`{repository}` is not the name of a data set: write OWNER/NAME")
    files = _files(run, everything=everything)
    return Prepared(repository, _card(run, repository, license), tuple(files), tuple(_notes(run)))


def push(
    folder: Path | str,
    repository: str,
    *,
    public: bool = False,
    license: str | None = None,  # noqa: A002 (what the card calls it)
    everything: bool = False,
) -> Pushed:
    """Make or update the data set ``repository`` (OWNER/NAME) with the pairs of a run folder.

    A repository that is there keeps its visibility. Sent again, only what is not there yet is sent.
    ``license`` is the Hub's name of one (``apache-2.0``, ``cc-by-4.0``, ``other``). Raises
    ConfigError where the folder has no pairs, the name is none, the repository is public and
    ``public`` is not given, or the Hub refuses; CallError where it cannot be reached; StoreError
    where a file cannot be read.
    """
    sent = prepare_push(folder, repository, license=license, everything=everything)
    with _hub(repository) as hub:
        before = _visibility(hub, repository)
        if before == "public" and not public:
            raise ConfigError(
                f"{repository} is there already and is public, so everybody would see these pairs. "
                "Say --public if that is meant, or choose another name."
            )
        hub.create_repo(repository, repo_type=_KIND, private=not public, exist_ok=True)
        private = _visibility(hub, repository) != "public"
        if not (private or public):
            raise ConfigError(
                f"{repository} was made, but the Hub made it public; nothing was sent there. Make "
                "it private in its settings, then start the same command again."
            )
        changed = _commit(hub, sent)
    address = f"{hub.endpoint}/datasets/{repository}"
    number = len(sent.files) + 1
    return Pushed(repository, address, private, number, before is None, changed, sent.notes)


def _files(run: RunFolder, *, everything: bool) -> list[Path]:
    """Raises ConfigError where there are no pairs."""
    if not run.pairs.exists() or not run.pairs.stat().st_size:
        raise ConfigError(f"{run.path} has no pairs, so there is nothing to publish")
    more = (run.completions, run.judgments, run.skips) if everything else ()
    return [run.pairs, *(file for file in (run.pairs_parquet, *more) if file.exists())]


def _notes(run: RunFolder) -> Iterator[str]:
    manifest = run.read_manifest()
    if manifest is not None and manifest.unfinished:
        yield f"{run.path} {unfinished(manifest)}: start it again, and push again then"


def _card(run: RunFolder, repository: str, license_name: str | None) -> bytes:
    """The card of the folder, with its license, and with what loads it from the Hub."""
    try:
        text = run.card.read_text(encoding="utf-8")
    except OSError as error:
        raise read_error(run.card, error) from error
    found = _HEADER.match(text)
    if found is None:
        raise StoreError(
            f"{run.card}: has no header between lines of ---. Delete the file and start the run "
            "again, which writes it."
        )
    header: dict[str, Any] = yaml.safe_load(found[1])
    if license_name is not None:
        header = {"license": license_name, **header}
        text = _LICENSE_SECTION.sub(f"\n## License\n\n{license_name}\n", text)
    elif "license" not in header:
        raise ConfigError(
            "a data set that others may use needs a license: say --license, such as apache-2.0, "
            "cc-by-4.0 or other (the terms of the prompts' source and of the models apply)"
        )
    header["tags"] = sorted({*header.get("tags", ()), "synthetic", "trl"})
    written = yaml.safe_dump(header, sort_keys=False, allow_unicode=True)
    body = text[found.end() :].replace(THIS_FOLDER, repository)
    return f"---\n{written}---\n{body}".encode()


@contextmanager
def _hub(repository: str) -> Iterator[HfApi]:
    """Raises ConfigError where the Hub refuses, CallError where it cannot be reached."""
    from huggingface_hub import HfApi, constants, get_token
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        HfHubHTTPError,
        HFValidationError,
        HTTPError,
        OfflineModeIsEnabled,
    )

    hub = HfApi(library_name="judgeforge")
    try:
        if not constants.is_offline_mode() and get_token() is None:
            raise ConfigError(f"{repository}: there is no token to publish with. {_LOGIN}")
        yield hub
    except OfflineModeIsEnabled as error:
        raise ConfigError(
            "HF_HUB_OFFLINE is set, which forbids it. Unset it to publish."
        ) from error
    except HFValidationError as error:
        raise ConfigError(f"{repository}: {error}") from error
    except HfHubHTTPError as error:
        raise _refused(repository, error) from error
    except ValueError as error:  # of the card, which the Hub checks before anything is sent
        raise ConfigError(f"{repository}: the Hub refuses the card: {error}") from error
    except (HTTPError, OSError) as error:
        raise CallError(f"{hub.endpoint}: cannot be reached: {error}") from error


def _refused(repository: str, error: HfHubHTTPError) -> ConfigError | CallError:
    status = error.response.status_code
    said = error.server_message or str(error).splitlines()[0]
    if status >= 500 or status == 429:
        return CallError(f"{repository}: the Hub answered {status} ({said}). Try again later.")
    return ConfigError(
        f"{repository}: {_ADVICE.get(status, f'the Hub answered {status}')} ({said})"
    )


def _visibility(hub: HfApi, repository: str) -> str | None:
    """None where there is no such repository, or it cannot be seen."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        found = hub.repo_info(repository, repo_type=_KIND)
    except RepositoryNotFoundError:
        return None
    return "private" if found.private else "public"


def _commit(hub: HfApi, sent: Prepared) -> bool:
    """Whether anything was new there."""
    from huggingface_hub import CommitOperationAdd

    added: list[CommitOperationAdd] = [
        CommitOperationAdd("README.md", sent.card),
        *(CommitOperationAdd(file.name, str(file)) for file in sent.files),
    ]
    repository = sent.repository
    before = hub.repo_info(repository, repo_type=_KIND).sha
    message = f"{sent.files[0].parent.name}: preference pairs by judgeforge"
    done = hub.create_commit(
        repository, added, commit_message=message, repo_type=_KIND, parent_commit=before
    )
    return done.oid != before
