"""`cache stats|prune|verify`: look after the stored replies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from judgeforge.cli.app import AsJson, app, command
from judgeforge.errors import ConfigError

cache = typer.Typer(no_args_is_help=True, help="Look after the stored replies.")
app.add_typer(cache, name="cache")

Place = Annotated[
    Path, typer.Argument(help="A configuration, or the cache's folder.", show_default=False)
]


@command(cache)
def stats(place: Place, as_json: AsJson = False) -> None:
    """Show how many replies are stored, whose, and their cost."""
    from judgeforge.calls.cache_upkeep import cache_folder, cache_stats
    from judgeforge.cli.show.cache import print_cache_stats

    print_cache_stats(cache_stats(cache_folder(place)), as_json=as_json)


@command(cache)
def verify(
    place: Place,
    remove: Annotated[bool, typer.Option("--remove", help="Take damaged rows out.")] = False,
) -> None:
    """Read every stored reply again (exit code 74: one is damaged)."""
    from judgeforge.calls.cache_upkeep import cache_folder, verify_cache
    from judgeforge.cli.show.cache import print_cache_check

    check = verify_cache(cache_folder(place), remove=remove)
    print_cache_check(check, removed=remove)
    raise typer.Exit(74 if check.damaged and not remove else 0)


@command(cache)
def prune(
    place: Place,
    older_than: Annotated[str | None, typer.Option(help="Age: 12h, 30d, 2w.")] = None,
    unused_in: Annotated[
        list[Path] | None,
        typer.Option(
            help="A run folder whose replies stay; others go, unless stored within a day."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Take out replies by age, or those that no run folder needs."""
    from judgeforge.calls.cache_upkeep import cache_folder, parse_age, prune_cache
    from judgeforge.cli.show.cache import print_pruned

    if older_than is None and not unused_in:
        raise ConfigError("say what may go: --older-than AGE, or --unused-in RUN_FOLDER")
    age_s = None if older_than is None else parse_age(older_than)
    pruned = prune_cache(
        cache_folder(place), older_than_s=age_s, unused_in=unused_in or (), dry_run=dry_run
    )
    print_pruned(pruned, dry_run=dry_run)
