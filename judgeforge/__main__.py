"""The program: ``judgeforge`` and ``python -m judgeforge``."""

from __future__ import annotations

import sys


def main() -> None:
    """Ctrl-C ends quietly even in the tenth of a second in which the command line is imported."""
    try:
        from judgeforge.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
