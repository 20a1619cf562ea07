"""The replicas' table: `python -m tests.chaos replicas`.

Each row is one way in which replicas of the API learn of rotations. What is lost, how often a request is sent, how
often the store is asked; and with a key that is really dead, how long it takes until the API's error arrives.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from genai_credentials import CredentialProvider

from .api import Replicas, Routing

THREADS = 8
MODEL = "gemini-2.5-flash"


class Scene(NamedTuple):
    """How one rotation goes; all times in seconds.

    - `late`: from the rotation in the store until a replica may take the new key.
    - `lag`: how much longer the last replica may take for either key.
    - `overlap`: how much longer the old key lives.
    """

    name: str
    replicas: int = 1
    late: float = 0.0
    lag: float = 0.0
    overlap: float = 0.0
    routing: Routing = "random"
    ttl: float = 300.0


SCENES = (
    Scene("1 replica, the old key ends at once"),
    Scene("1 replica, the new key 1.5 s late", late=1.5, overlap=1.5),
    Scene("1 replica, the new key 1.5 s late, the old one ends at once", late=1.5),
    Scene("8 replicas, random, 0 to 2 s late", 8, lag=2.0),
    Scene("8 replicas, sticky, 0 to 2 s late", 8, lag=2.0, routing="sticky"),
    Scene("8 replicas, random, 0 to 2 s late, overlap 2 s", 8, lag=2.0, overlap=2.0),
    Scene("8 replicas, sticky, 0 to 2 s late, overlap 2 s", 8, lag=2.0, overlap=2.0, routing="sticky"),
    Scene("8 replicas, random, overlap 2 s, ttl 0.5 s", 8, lag=2.0, overlap=2.0, ttl=0.5),
)


@dataclass
class Result:
    """What came of one row."""

    requests: int = 0
    lost: int = 0
    sends: int = 0
    fetches: int = 0
    longest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ended(self, began: float, *, lost: bool) -> None:
        with self.lock:
            self.requests += 1
            self.lost += lost
            self.longest = max(self.longest, time.monotonic() - began)


def rotate_under_load(scene: Scene, rotations: int, every: float = 4.0, seed: int = 0) -> Result:
    """Eight threads ask while the key is rotated so often; `every` is the seconds between two rotations."""
    result, keys, dice = Result(), ["AIzaExample-0"], random.Random(seed)

    def store() -> str:
        result.fetches += 1
        return keys[-1]

    with Replicas(scene.replicas, dice) as api, CredentialProvider(store, ttl=scene.ttl) as credentials:
        api.admit(keys[0])
        with credentials.client(http_options={"base_url": api.url(scene.routing)}) as client:
            stop = threading.Event()
            threads = [threading.Thread(target=_ask, args=(client, stop, result), daemon=True) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
            for number in range(1, rotations + 1):
                stop.wait(every / 2)
                keys.append(f"AIzaExample-{number}")
                api.admit(keys[-1], scene.lag, scene.late)
                api.expel(keys[-2], scene.lag, scene.overlap)
                stop.wait(every / 2)
            stop.set()
            for thread in threads:
                thread.join(30)
        result.sends = api.sends
    return result


def _ask(client: Any, stop: threading.Event, result: Result) -> None:
    while not stop.wait(0.02):
        began, lost = time.monotonic(), False
        try:
            client.models.generate_content(model=MODEL, contents="hi")
        except Exception:
            lost = True
        result.ended(began, lost=lost)


def time_to_error(before: Callable[[CredentialProvider, Replicas, list[str], Any], None]) -> list[float]:
    """How long each of five requests takes to fail, in seconds, once the only key is dead.

    Args:
        before: What happens until then.
    """
    keys = ["AIzaExample-0"]
    with Replicas(1, random.Random(0)) as api, CredentialProvider(lambda: keys[-1]) as credentials:
        api.admit(keys[0])
        with credentials.client(http_options={"base_url": api.url("random")}) as client:
            client.models.generate_content(model=MODEL, contents="hi")
            before(credentials, api, keys, client)
            api.expel(keys[-1])
            return [_fails(client) for _ in range(5)]


def _fails(client: Any) -> float:
    began = time.monotonic()
    try:
        client.models.generate_content(model=MODEL, contents="hi")
    except Exception:
        return time.monotonic() - began
    raise AssertionError("a dead key was accepted")


def nothing(credentials: CredentialProvider, api: Replicas, keys: list[str], client: Any) -> None:
    """No evidence of replicas that lag."""


def a_rotation(credentials: CredentialProvider, api: Replicas, keys: list[str], client: Any) -> None:
    """The key has just followed another."""
    keys.append("AIzaExample-1")
    api.admit(keys[-1])
    api.expel(keys[-2])
    client.models.generate_content(model=MODEL, contents="hi")


def main(rotations: int, only: str = "") -> int:
    """Print the table; 1 when a request was lost."""
    lost = 0
    print(f"{'':62} {'requests':>8} {'lost':>5} {'sends a request':>15} {'fetches':>8} {'longest':>8}")
    for scene in (scene for scene in SCENES if only in scene.name):
        result = rotate_under_load(scene, rotations)
        lost += result.lost
        print(
            f"{scene.name:62} {result.requests:8} {result.lost:5} {result.sends / result.requests:15.2f} "
            f"{result.fetches:8} {result.longest:6.2f} s",
            flush=True,
        )
    for name, before in (("no other key before it", nothing), ("rotated in just before", a_rotation)):
        seconds = ", ".join(f"{taken:.2f}" for taken in time_to_error(before))
        print(f"a dead key, {name}: the API's error after {seconds} s", flush=True)
    return int(lost > 0)
