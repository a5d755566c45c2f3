"""The program: ``judgeforge`` and ``python -m judgeforge``."""

from __future__ import annotations

import gc
import os
import sys

_CANNOT_LOAD = 74
_YOUNG_OBJECTS = 200_000
"""More than importing everything makes, so that nothing is looked at before there is any work."""
_SLEEP_AT_ONCE = "4"
"""Of OpenBLAS, on which numpy rests: its threads wait for more in a loop for 2^4 cycles of the
processor, not 2^26, in which they would take a core from whoever has work for it."""


def main() -> None:
    """Ctrl-C ends quietly even in the tenth of a second in which the command line is imported, and
    what cannot be loaded is told in a line, whichever part it is and whenever it is needed."""
    _open_what_is_closed()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", _SLEEP_AT_ONCE)
    try:
        from judgeforge.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.exit(130)
    except (MemoryError, ImportError) as error:
        if "--verbose" in sys.argv:
            raise
        words = [type(error).__name__, *filter(None, map(str.strip, str(error).splitlines()))]
        problem = f"{words[0]}: {words[-1]}" if words[1:] else words[0]
        sys.stderr.write(
            f"judgeforge: a part of the program cannot be loaded or used ({problem}). There may be "
            "too little memory (ulimit -v, a container's limit), or the installation is broken: "
            "`judgeforge doctor` lists the packages. Nothing that was paid is lost.\n"
        )
        sys.exit(_CANNOT_LOAD)
    finally:
        # At the exit Python would look twice for cycles among all that was ever imported.
        gc.freeze()


def _open_what_is_closed() -> None:
    """Started without an input or an output (`>&-`), the next file that is opened would be it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False, encoding="utf-8")  # noqa: SIM115


if __name__ == "__main__":
    main()
