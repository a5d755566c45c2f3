"""A task of a check -> what a program found: mathematics, tests of code, a function of the user's.

deciding.py         tasks, each run once: from the cache, or by a program, a few at a time
child_process.py    a process that answers one question after another, within its time
child_main.py       what runs in that process
math_answers.py     whether an answer comes to the same as a reference
quantities.py       numbers with a unit
own_function.py     the user's function, called by name
sandbox.py          Python that nobody trusts, in bubblewrap
seccomp.py          which system calls it may not make
sandboxed_tests.py  what runs in the sandbox: the answer's code, and its tests
probe.py            proves that the sandbox holds, before anything runs in it

A program that fails, hangs or is killed leaves its answer undecided, and says why; it never ends
the run. Code of answers runs in the sandbox or not at all.
"""
