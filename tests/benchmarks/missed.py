"""The reason for each missed goal, and the attempts to reach it."""

from __future__ import annotations

from typing import NamedTuple


class Why(NamedTuple):
    """Why goals were missed.

    - `words`: these words are in the name of each of the goals.
    - `reason`: the reason.
    - `kept`: attempts that made it better, and stayed.
    - `dropped`: attempts that were taken back, each with the reason.
    """

    words: str
    reason: str
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


WHYS = (
    Why(
        "await credentials.aget()",
        "An `async def` that only compares the clock misses the goal too: see the last column of the table *The steps "
        "of a read*. Without a look at the clock, the process would need a timer and could never sleep.",
        dropped=(
            "The attempts that are listed for `credentials()`.",
            "A plain method that returns a finished awaitable: `asyncio.run`, `gather` and `create_task` refuse it.",
        ),
    ),
    Why(
        "credentials()",
        "Python calls an object with a `__call__` method through a slot of its type. That alone costs a third of the "
        "floor, so a floor that is called in the same way misses the goal too: see the table *The steps of a read*. "
        "The library adds three reads of attributes. It also keeps the text of the key in a closure, where no tracer "
        "finds it. That costs one more call, 20 ns.",
        kept=("The clock in a local variable: 6 % less.",),
        dropped=(
            "The serving key on the provider itself: 2 % less, but the key would be stored in two places.",
            "Tuples and slots in place of objects: slower on Python 3.11.",
            "Closures in place of methods: 8 % less, but a subclass could not override them.",
        ),
    ),
    Why(
        "1,000 threads",
        "After the store has answered, each thread takes 0.08 ms: it wakes, takes the interpreter's lock, returns and "
        "ends. See the table *Time after the fetch*. If all threads wake at once, as with the floor's Event, each "
        "thread asks for that lock again every 5 ms until it gets it. Before the fetch, 1,000 starting threads delay "
        "the thread of the fetch in the same way.",
        kept=(
            "32 threads are woken at a time: 65 to 75 ms for 1,000 threads. An Event took 150 to 180 ms, a Future 110 "
            "to 200 ms, and one lock per thread 140 to 190 ms.",
        ),
        dropped=(
            "A lock that each thread passes to the next: 65 to 90 ms. But if a signal handler raises in between, all "
            "later threads wait for ever.",
        ),
    ),
    Why(
        "1,000 tasks",
        "Each task checks again which key serves. That work is its own.",
        kept=(
            "One call into a loop wakes all of its tasks: 12 to 22 ms over the fetch for 1,000 tasks. One call for "
            "each task took 30 to 40 ms.",
        ),
    ),
    Why(
        "process start to answer",
        "The library adds 110 to 145 ms to the SDK's 700 ms. 15 ms of it is the import of 53 small modules. To build "
        "the client takes as long as with a stock client. The rest is not explained yet.",
    ),
    Why(
        "10,000 tenants",
        "The thin clients take 121 MB. The providers take the rest: each has a key and has made a fetch.",
    ),
    Why(
        "first chunk",
        "The proxy reads the head of the answer before it passes the answer on. In an earlier run the delay was "
        "0.91 ms.",
    ),
    Why(
        "sync",
        "The library itself takes about 20 µs of CPU time: see the row *without a socket* and the note below the "
        "table. A request makes about 60 function calls more than the 4,740 of a stock client: see the table of "
        "function calls. If the ratio of two stock clients differs from 1 by as much, the difference is noise.",
    ),
)


def explained(missed: list[str]) -> list[tuple[list[str], Why | None]]:
    """The names of missed goals by their reason, each name once; None for goals without an explanation."""
    left, found = list(missed), list[tuple[list[str], Why | None]]()
    for why in WHYS:
        if names := [name for name in left if why.words in name]:
            found.append((names, why))
            left = [name for name in left if name not in names]
    return [*found, (left, None)] if left else found
