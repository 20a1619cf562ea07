"""The world of a storm: stores that rotate and fail, and the judge of what was lost."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

from genai_credentials.testing import AWSEmulator, SecretManagerEmulator

from .api import Replicas

NAME, SECRET = "prod/gemini", "projects/p/secrets/s"
PATIENCE = 3.0
"""The provider's own: seconds from the first refusal in which a request may be sent again."""

HANGS = "no answer within fetch_timeout"
"""What a provider says of a link that hangs."""

ROOM = 0.5
"""Seconds for which a key has to be in a store and live at every replica, so that it can be fetched and sent."""

STEP = 0.05
"""Seconds between two looks of the judge."""

SHORTEST_GAP, LONGEST_GAP, LONGEST_LAG = 0.2, 10.0, 2.0


class Loss(NamedTuple):
    """A request that failed: when it began and ended, as `time.monotonic()` has it, with what, and what was known."""

    began: float
    ended: float
    error: str
    known: str = ""


class Period(NamedTuple):
    """A time in which a store had a key, or could not be read."""

    began: float
    ended: float
    key: str = ""

    def covers(self, at: float) -> bool:
        return self.began <= at < self.ended


class Store:
    """One of the stores, and what it had when.

    Args:
        name: Its name in the report.
        put: Puts a key into it.
    """

    def __init__(self, name: str, put: Callable[[str], object]) -> None:
        self.name, self._put = name, put
        self.keys: list[Period] = []
        self.troubles: list[Period] = []

    def rotate(self, key: str) -> None:
        """Put another key in."""
        before = time.monotonic()
        self._put(key)
        if self.keys:
            self.keys[-1] = self.keys[-1]._replace(ended=before)
        self.keys.append(Period(time.monotonic(), float("inf"), key))

    def key_at(self, at: float) -> str:
        """The key that a read would have brought; "" where no read would have."""
        if any(trouble.covers(at) for trouble in self.troubles):
            return ""
        return next((period.key for period in reversed(self.keys) if period.covers(at)), "")


class World:
    """The API and the stores."""

    def __init__(self, stack: ExitStack, seed: int) -> None:
        self.dice = random.Random(seed)
        self.api = stack.enter_context(Replicas(8, random.Random(seed + 1)))
        self.aws = stack.enter_context(AWSEmulator())
        self.google = stack.enter_context(SecretManagerEmulator())
        self.stores = [
            Store("aws", lambda key: self.aws.add(NAME, key)),
            Store("google", lambda key: self.google.add(SECRET, key)),
        ]
        self._hangs: list[Period] = []
        self.rotations = 0
        self.faults: Counter[str] = Counter()
        for store in self.stores:
            self._rotate(store, lag=0.0)

    # Rotations

    def rotate_until(self, stop: threading.Event) -> None:
        """One rotation after the other, each 0.2 to 10 s after the one before."""
        while not stop.wait(SHORTEST_GAP * (LONGEST_GAP / SHORTEST_GAP) ** self.dice.random()):
            self._rotate(self.dice.choice(self.stores), lag=self.dice.uniform(0, LONGEST_LAG))

    def _rotate(self, store: Store, lag: float) -> None:
        old = store.keys[-1].key if store.keys else ""
        self.rotations += 1
        fresh = f"AIzaExample-{store.name}-{self.rotations}"
        # Often the old key ends at once, and the store has the new one before the first replica knows it.
        self.api.admit(fresh, lag)
        store.rotate(fresh)
        if old:
            self.api.expel(old, lag, after=self.dice.choice([0.0, 0.0, 1.0, 3.0]))

    # Faults

    def trouble_until(self, stop: threading.Event) -> None:
        """One store after the other hangs, is half dead, or fails; never both at once."""
        kinds = [self._hang, self._slow, self._fail, self._break, self._lag]
        while not stop.wait(self.dice.uniform(0.5, 5.0)):
            kind = self.dice.choice(kinds)
            self.faults[kind.__name__.strip("_")] += 1
            kind(stop)

    def _in_trouble(self, which: int, stop: threading.Event, longest: float) -> None:
        began = time.monotonic()
        self.stores[which].troubles.append(Period(began, float("inf")))
        stop.wait(self.dice.uniform(0.2, longest))

    def _over(self, which: int) -> None:
        trouble = self.stores[which].troubles
        trouble[-1] = trouble[-1]._replace(ended=time.monotonic())

    def _hang(self, stop: threading.Event) -> None:
        which = self.dice.randrange(2)
        with (self.aws, self.google)[which].hang():
            self._in_trouble(which, stop, 8.0)
        self._over(which)
        if which == 0:
            self._hangs.append(self.stores[0].troubles[-1])

    def _slow(self, stop: threading.Event) -> None:
        which = self.dice.randrange(2)
        store = (self.aws, self.google)[which]
        store.delay(self.dice.uniform(0, 0.5))
        stop.wait(self.dice.uniform(0.2, 5.0))
        store.delay(0)

    def _fail(self, stop: threading.Event) -> None:
        which = self.dice.randrange(2)
        if which:
            self.google.fail_always(self.dice.choice(["UNAVAILABLE", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED"]))
        else:
            self.aws.fail_always(*self.dice.choice([("ThrottlingException", 400), ("InternalServiceError", 500)]))
        self._in_trouble(which, stop, 5.0)
        self.google.fail_always(None)
        self.aws.fail_always(None)
        self._over(which)

    def _break(self, stop: threading.Event) -> None:
        """A few answers break off in the middle."""
        self._in_trouble(0, stop, 0.2)
        self.aws.reset_next(self.dice.randint(1, 3))
        self.aws.truncate_next(self.dice.randint(1, 3))
        stop.wait(self.dice.uniform(0.2, 2.0))
        self._over(0)

    def _lag(self, stop: threading.Event) -> None:
        """Google goes on to answer `latest` with an older version."""
        self.google.lag_latest(SECRET, "latest")
        stop.wait(self.dice.uniform(0.2, 5.0))
        self.google.lag_latest(SECRET, None)

    # The judge

    def around(self, loss: Loss) -> str:
        """What happened around a loss, in seconds from its start."""
        said = [f"ended +{loss.ended - loss.began:.2f}"]
        for store in self.stores:
            said += [
                f"{store.name} has {period.key.rpartition('-')[2]} {period.began - loss.began:+.2f}"
                for period in store.keys
                if loss.began - 8 < period.began < loss.ended
            ]
            said += [
                f"{store.name} in trouble {period.began - loss.began:+.2f} to {period.ended - loss.began:+.2f}"
                for period in store.troubles
                if period.ended > loss.began - 3 and period.began < loss.ended
            ]
        return "; ".join([*said, loss.known])

    def excuse(self, loss: Loss) -> str:
        """Why no key could have served a request that failed; "" where one would have."""
        looks = [loss.began + number * STEP for number in range(int((PATIENCE - ROOM) / STEP) + 1)]
        if HANGS in loss.known:
            return "a link hung for as long as patience lasts"
        # A link behind one that hangs is reached after `fetch_timeout`, and so after `patience`.
        blocked = any(hang.began < loss.ended and hang.ended > loss.began for hang in self._hangs)
        stores = self.stores[:1] if blocked else self.stores
        had = {(store, at, key) for at in looks for store in stores if (key := store.key_at(at))}
        if any(self._serves(*one) and self._serves(one[0], one[1] + ROOM, one[2]) for one in had):
            return ""
        if not had:
            return "no store could be read within patience"
        return "no key in a store was live at every replica within patience"

    def _serves(self, store: Store, at: float, key: str) -> bool:
        return store.key_at(at) == key and self.api.is_live_everywhere(key, at)
