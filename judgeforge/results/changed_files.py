"""Whether the files of a run are as it left them: one that was emptied or cut tells of fewer pairs.

Readers go on with what is there, since a person may have edited it on purpose; they say so.
"""

from __future__ import annotations

from pathlib import Path

from judgeforge.errors import StoreError
from judgeforge.store.folder import RunFolder
from judgeforge.store.manifest import Manifest
from judgeforge.text.wording import listed


def changed_results(folder: RunFolder, manifest: Manifest) -> str | None:
    """What to say of results that were changed since, as the beginning of a sentence."""
    changed = folder.changed(manifest)
    if not changed:
        return None
    now = folder.sizes()
    sizes = [
        f"{name} ({now[name]:,} bytes, written with {manifest.written[name]:,})" for name in changed
    ]
    return f"{folder.path}: changed since the run wrote it: {listed(sizes)}"


def changed_since(path: Path) -> str | None:
    """The same of a folder, with what to do; None also where nothing is known of it."""
    folder = RunFolder(path)
    try:
        manifest = folder.read_manifest()
    except StoreError:  # said by what reads it
        return None
    told = None if manifest is None else changed_results(folder, manifest)
    return None if told is None else f"{told}; `judgeforge run` on this folder writes it anew"
