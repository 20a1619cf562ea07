"""A warm read: what asking for a key costs when there is one."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from cachetools import TTLCache

from genai_credentials import CredentialProvider

from . import peers
from .report import Group, Table
from .timing import alternating, loop, median, ratio, run_loop, spread, threaded

THREADS = 8
CALL_FLOOR = "floor, as a callable object"
FLOOR, AFLOOR = "floor: clock and attribute", "floor: async def that returns an attribute"
TIMED_AFLOOR = "floor, with a look at the clock"
STEPS = {
    "nothing": ("a method: nothing", "called: nothing", "async def: nothing"),
    "returns an attribute": ("a method: an attribute", "called: an attribute", AFLOOR),
    "compares the clock with a time first": (FLOOR, CALL_FLOOR, TIMED_AFLOOR),
    "reads both where a rotation replaces them: this library": (
        "credentials.get()",
        "credentials()",
        "await credentials.aget()",
    ),
}
"""What a read is made of: each does one thing more than the one before, as a method, as an object that is called, and
as something that is awaited."""


class Floor:
    """The least that a cached read with a time limit can cost in CPython, and what that is made of."""

    def __init__(self) -> None:
        self.key, self.until = object(), math.inf

    def nothing(self) -> None:
        """Nothing."""

    def attribute(self) -> object:
        """An attribute."""
        return self.key

    def get(self) -> object:
        """An attribute, while it is fresh."""
        if monotonic() < self.until:
            return self.key
        raise TimeoutError

    async def anothing(self) -> None:
        """Nothing."""

    async def aget(self) -> object:
        """An attribute."""
        return self.key

    async def timed_aget(self) -> object:
        """An attribute, while it is fresh."""
        if monotonic() < self.until:
            return self.key
        raise TimeoutError


def _called(method: Callable[..., Any]) -> Any:
    """An object whose class has this method for `__call__`."""
    return type("Called", (Floor,), {"__call__": method})()


def run(*, smoke: bool) -> Group:
    """Measure."""
    group = Group("warm", "A warm read", skipped=peers.missing())
    credentials = CredentialProvider(lambda: "AIzaExample")
    credentials.get()
    subjects = _subjects(credentials)
    one = alternating(subjects, loop, rounds=1 if smoke else 15, seconds=0.006)
    many = alternating(subjects, _eight, rounds=1 if smoke else 7, seconds=0.05)
    # For the Reach, side by side and often: what disturbs the machine for a while disturbs both.
    few = {name: subjects[name] for name in (FLOOR, "credentials.get()", "credentials()", CALL_FLOOR)}
    close = alternating(few | _smaller(), loop, rounds=1 if smoke else 101, seconds=0.003)
    close_many = alternating(few, _eight, rounds=1 if smoke else 21, seconds=0.04)
    tasks = alternating(_asynchronous(credentials), run_loop, rounds=1 if smoke else 101, seconds=0.004)
    for name in ("credentials.get()", "credentials()"):
        for threads, found in ((1, close), (THREADS, close_many)):
            measured = ratio(found, name, FLOOR)
            what = f"{name}, {threads} thread{'s' * (threads > 1)}"
            text = f"{measured:.2f} x ({_ns(found[name])} / {_ns(found[FLOOR])})"
            if name == "credentials()":
                text += f"; {ratio(found, name, CALL_FLOOR):.2f} x a floor that is a callable object"
            group.reach(what, "<= 1.30 x the floor", text, measured <= 1.3)
    measured = ratio(tasks, "await credentials.aget()", AFLOOR)
    text = f"{measured:.2f} x ({_ns(tasks['await credentials.aget()'])} / {_ns(tasks[AFLOOR])})"
    text += f"; {ratio(tasks, 'await credentials.aget()', TIMED_AFLOOR):.2f} x an async def that looks at the clock"
    group.reach("await credentials.aget()", "<= 1.50 x an async def", text, measured <= 1.5)
    group.tables = [_table(one, many), _async_table(tasks), _steps_table(close | tasks)]
    group.series = {"one": _medians(one), "eight": _medians(many), "async": _medians(tasks)}
    worst = max(spread(found[FLOOR]) for found in (close, close_many, one))
    group.notes += [
        f"Spread: half the interquartile range of the floor was at most {worst:.0%} of its median.",
        "The numbers for the goals were measured without the other packages, in seven times as many rounds. They "
        "therefore differ slightly from the first table.",
    ]
    return group


def _eight(call: Callable[[], Any], times: int) -> float:
    return threaded(call, max(times, THREADS), THREADS)


def _subjects(credentials: CredentialProvider) -> dict[str, Callable[[], Any]]:
    subjects: dict[str, Callable[[], Any]] = {
        FLOOR: Floor().get,
        CALL_FLOOR: _called(Floor.get),
        "credentials.get()": credentials.get,
        "credentials()": credentials,
        "TTLCache under an RLock": _locked_cache(),
    }
    for peer in peers.present():
        subjects[peer.name] = peer.make(peers.Store(), 3600.0).get
        subjects[peer.name]()
    subjects["google-auth before_request"] = _google_auth()
    if (openai := _openai(credentials)) is not None:
        subjects["openai with api_key=credentials"] = openai
    return subjects


def _smaller() -> dict[str, Callable[[], Any]]:
    """What is less than the floor."""
    methods = (Floor.nothing, Floor.attribute)
    names = [STEPS[step][:2] for step in ("nothing", "returns an attribute")]
    found: dict[str, Callable[[], Any]] = {}
    for (as_method, as_called), method in zip(names, methods, strict=True):
        found |= {as_method: method.__get__(Floor()), as_called: _called(method)}
    return found


def _locked_cache() -> Callable[[], str]:
    cache: TTLCache[str, str] = TTLCache(maxsize=1, ttl=3600.0)
    cache["key"], lock = "AIzaExample", threading.RLock()

    def get() -> str:
        with lock:
            return cache["key"]

    return get


def _google_auth() -> Callable[[], Any]:
    from google.oauth2.credentials import Credentials

    valid: Any = Credentials("token")  # type: ignore[no-untyped-call]
    valid.expiry = datetime.now() + timedelta(days=2)
    url = "https://secretmanager.googleapis.com/"
    return lambda: valid.before_request(None, "GET", url, {})


def _openai(credentials: CredentialProvider) -> Callable[[], Any] | None:
    try:
        from openai import OpenAI
    except ImportError:
        return None
    # What the client calls before each request.
    client: Any = OpenAI(api_key=credentials, base_url="http://127.0.0.1:1")
    return getattr(client, "_refresh_api_key", None)


def _asynchronous(credentials: CredentialProvider) -> dict[str, Any]:
    return {
        STEPS["nothing"][2]: Floor().anothing,
        AFLOOR: Floor().aget,
        TIMED_AFLOOR: Floor().timed_aget,
        "await credentials.aget()": credentials.aget,
    }


def _medians(found: dict[str, list[float]]) -> dict[str, float]:
    return {name: median(numbers) * 1e9 for name, numbers in found.items()}


def _ns(numbers: list[float]) -> str:
    return f"{median(numbers) * 1e9:,.0f} ns"


def _table(one: dict[str, list[float]], many: dict[str, list[float]]) -> Table:
    rows = [
        [name, _ns(one[name]), f"{ratio(one, name, FLOOR):.2f}", _ns(many[name]), f"{ratio(many, name, FLOOR):.2f}"]
        for name in one
    ]
    heads = ["read", "1 thread", "x floor", f"{THREADS} threads", "x floor"]
    return Table("Time per call (with 8 threads: wall time divided by the number of calls)", heads, rows)


def _async_table(found: dict[str, list[float]]) -> Table:
    shown = (AFLOOR, TIMED_AFLOOR, "await credentials.aget()")
    rows = [[name, _ns(found[name]), f"{ratio(found, name, AFLOOR):.2f}"] for name in shown]
    return Table("Time per call on one event loop", ["read", "per call", "x floor"], rows)


def _steps_table(found: dict[str, list[float]]) -> Table:
    """The profile: a profiler's own cost would hide what each step costs."""
    rows = [[step, *(_ns(found[name]) for name in names)] for step, names in STEPS.items()]
    heads = ["step", "as a method", "as a callable object", "as an async def, awaited"]
    return Table("The steps of a read: each row does one thing more than the row above it", heads, rows)
