"""Listens in a child process with an interpreter of its own; Python imports this by itself when it is on the path."""

import contextlib

# Not everywhere can it: a test may run an interpreter without the package, or hide one of its parts.
with contextlib.suppress(ImportError):
    from tests.leaks import spool
    from tests.leaks.search import Search

    search = Search()
    spool.write_through(search)
    spool.begin(search)
