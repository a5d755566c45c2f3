"""`python -m judgeforge.cli`."""

from judgeforge.cli import main

main()
