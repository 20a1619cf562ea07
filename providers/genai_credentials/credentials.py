"""`CredentialProvider`: the front. Chain, cache, refresh and rejection, under a lock that is never held during I/O."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from random import Random
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from genai_credentials import forks
from genai_credentials.chain import foreign, links_of, note
from genai_credentials.diagnosis import Diagnosis
from genai_credentials.errors import ConfigurationError, CredentialsError, NoCredentials
from genai_credentials.flight import Flight, Steps, adrive, drive, in_daemon
from genai_credentials.key import ApiKey
from genai_credentials.provider import logger
from genai_credentials.rotation import Found, Rotation

if TYPE_CHECKING:
    from google import genai
    from google.genai import types

    from genai_credentials.auth import KeyAuth
    from genai_credentials.status import Status

COUNTERS = ("fetches", "failures", "rejections", "rotations", "fallbacks", "paroles", "replays")


class CredentialProvider:
    """Serves an API key from the first provider that has one, and follows its rotations.

    Args:
        providers: In order of preference: providers, callables that return a key, or chains of them.
        ttl: Seconds a key is served before it is refreshed in the background; a jitter of 10 % spreads a fleet.
        max_stale: Seconds past `ttl` that a key is still served while every refresh fails.
        min_refresh_interval: Seconds from a rejection whose fetch found nothing better to the next such fetch.
        fetch_timeout: Seconds that one fetch of one provider may take, retries included.
        clock: Seconds that only grow; for tests.
        random: The source of all jitter; None means one of its own.

    Raises:
        ConfigurationError: No provider, something that is none, or a duration that makes no sense.

    Example:
        >>> credentials = CredentialProvider(lambda: "AIzaExample")
        >>> credentials.get()
        <ApiKey f6f4944b from callable:<lambda>>
        >>> credentials()
        'AIzaExample'
    """

    def __init__(
        self,
        *providers: Any,
        ttl: float = 300.0,
        max_stale: float = 86_400.0,
        min_refresh_interval: float = 5.0,
        fetch_timeout: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        _check_seconds(ttl=ttl, fetch_timeout=fetch_timeout)
        _check_seconds(lowest=0.0, max_stale=max_stale, min_refresh_interval=min_refresh_interval)
        self._links = links_of(providers)
        self._fetch_timeout = fetch_timeout
        self._clock = clock
        self._rotation = Rotation(
            ttl=ttl,
            max_stale=max_stale,
            min_refresh_interval=min_refresh_interval,
            clock=clock,
            random=random or Random(),  # noqa: S311 - jitter, not a secret
        )
        self._lock = threading.Lock()
        self._flight: Flight | None = None
        self._earlier_asked: set[ApiKey] = set()
        self._accepted: ApiKey | None = None
        self._closed = False
        self.diagnosis = Diagnosis(clock)
        forks.watch(self)

    # The key

    def get(self) -> ApiKey:
        """The current key: from memory while it is fresh; waits for a fetch only when there is none to serve.

        Raises:
            NoCredentials: No provider has a key.
        """
        serving = self._rotation.serving
        if self._clock() < serving.look_at:
            return serving.key
        return drive(self._get())

    async def aget(self) -> ApiKey:
        """`get()` for asynchronous code: it never blocks the event loop."""
        serving = self._rotation.serving
        if self._clock() < serving.look_at:
            return serving.key
        return await adrive(self._get())

    def __call__(self) -> str:
        """The current key's text, so that this object is a callable key for the clients that take one."""
        serving = self._rotation.serving
        if self._clock() < serving.look_at:
            return serving.text
        return drive(self._get()).get_secret_value()

    def refresh(self) -> ApiKey:
        """Fetch now, whatever the cache holds, and return the current key afterwards.

        Raises:
            NoCredentials: No provider has a key.
            CredentialsError: The provider that serves could not be read; its key is still served.
        """
        return drive(self._refresh())

    async def arefresh(self) -> ApiKey:
        """`refresh()` for asynchronous code."""
        return await adrive(self._refresh())

    def reject(self, key: ApiKey) -> ApiKey | None:
        """Say that the API refused this key; another key worth trying at once, or None when there is none.

        A key that is no longer current costs no fetch. Otherwise one fetch is made, shared by all who reject the
        same key, and at most one per `min_refresh_interval` while nothing better is found.
        """
        return drive(self.reject_steps(_an_api_key(key), ()))

    async def areject(self, key: ApiKey) -> ApiKey | None:
        """`reject()` for asynchronous code."""
        return await adrive(self.reject_steps(_an_api_key(key), ()))

    def accept(self, key: ApiKey) -> None:
        """Say that the API accepted a request with this key; the client does so, and only the first time counts."""
        if key is not self._accepted:
            with self._lock:
                self._rotation.accepted(key)
                self._accepted = key

    def replaying(self) -> None:
        """Count a request that is sent again with another key; the client says so."""
        with self._lock:
            self._rotation.counters["replays"] += 1

    # The clients

    def client(self, *, verify: bool = False, allow_plain_http: bool = False, **options: Any) -> genai.Client:
        """A stock `genai.Client` that always sends the current key, and replays what a rotation refused.

        Args:
            verify: List one model first, and raise a clear error if the key or the way to the API is no good.
            allow_plain_http: Let the key travel unencrypted to a host that isn't this one.
            options: Every keyword of `genai.Client` but `api_key` and `credentials`.

        Raises:
            ConfigurationError: An option cannot work with a key that is swapped in.
        """
        from genai_credentials.client import build_client

        return build_client(self, options, verify=verify, allow_plain_http=allow_plain_http)

    def http_options(self, *, allow_plain_http: bool = False, **options: Any) -> types.HttpOptions:
        """`types.HttpOptions` for a framework that builds its own `genai.Client`: all HTTP paths, not Live.

        Args:
            allow_plain_http: As for `client()`.
            options: Every field of `types.HttpOptions`.

        Raises:
            ConfigurationError: As for `client()`.
        """
        from genai_credentials.client import build_http_options

        return build_http_options(self, options, allow_plain_http=allow_plain_http)

    def httpx_auth(
        self, header: str = "x-goog-api-key", scheme: str = "", *, allow_plain_http: bool = False
    ) -> KeyAuth:
        """An Auth for any httpx or httpx2 client that sends the key in a header of every request.

        Args:
            header: Which header; OpenAI's clients want "Authorization".
            scheme: What stands before the key, its space included: "Bearer ".
            allow_plain_http: As for `client()`.
        """
        from genai_credentials.auth import lone_auth

        return lone_auth(self, header, scheme, allow_plain_http=allow_plain_http)

    @classmethod
    def from_uris(cls, *uris: str, **options: Any) -> Self:
        """A provider chain from its text form: `env:`, `google:projects/…`, `aws:name?region=…#field`.

        Raises:
            ConfigurationError: A URI is wrong; the message points at the place.
        """
        from genai_credentials.uris import parse

        return cls(*(parse(uri) for uri in uris), **options)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """The chain that `GENAI_CREDENTIALS` describes: URIs with white space between; unset means `env:`.

        Args:
            environ: Where to read it; None means `os.environ`.
            options: Arguments of the constructor; they win over `GENAI_CREDENTIALS_TTL` and its like.
        """
        from genai_credentials.uris import settings

        uris, durations = settings(environ)
        return cls.from_uris(*uris, **{**durations, **options})

    # Its life

    def status(self) -> Status:
        """What is served, from where, since when, and what each link last answered; nothing secret."""
        from genai_credentials.status import LinkStatus, Status

        with self._lock:
            now, rotation = self._clock(), self._rotation
            key = rotation.serving.key
            age = None if key is None else _age(key)
            next_refresh = None if key is None else max(rotation.refresh_at, rotation.retry_at) - now
            return Status(
                state=rotation.state(now),
                fingerprint=None if key is None else key.fingerprint,
                provider=None if key is None else key.provider,
                version=None if key is None else key.version,
                age=age,
                next_refresh=next_refresh,
                links=tuple(LinkStatus.of(link.last, link.calls) for link in self._links),
                counters=MappingProxyType({name: rotation.counters[name] for name in COUNTERS}),
            )

    def close(self) -> None:
        """Forget the key and close the providers' clients; idempotent. A fetch under way ends unheard."""
        with self._lock:
            closed, self._closed = self._closed, True
            self._rotation.drop()
        for link in () if closed else self._links:
            if callable(close := getattr(link.provider, "close", None)):
                close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<CredentialProvider {', '.join(link.name for link in self._links)}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    # The policies: each yields what it waits for, so that threads and event loops share one engine

    def _get(self) -> Steps[ApiKey]:
        with self._lock:
            self._check_open()
            now = self._clock()
            if self._rotation.servable(now):
                self._rotation.begin_trial(now)
                key = self._rotation.serving.key
                flight = self._begin() if self._flight is None and self._rotation.refresh_due(now) else None
            elif self._flight is None and now < self._rotation.retry_at:
                raise self._exhausted()
            else:
                key, joined = None, self._flight
                flight = self._begin() if joined is None else None
        if flight:
            self._launch(flight)
        if key is not None:
            return key
        yield (flight or joined).landed  # type: ignore[union-attr]
        return self._served()

    def _refresh(self) -> Steps[ApiKey]:
        with self._lock:
            self._check_open()
            asked = self._rotation.event()
        flight = yield from self._join(asked)
        with self._lock:
            link = self._rotation.serving.link
            error = flight.errors.get(link) if flight else None
        if error is not None:
            raise error
        return self._served()

    def reject_steps(self, key: ApiKey, tried: Collection[str]) -> Steps[ApiKey | None]:
        """The policy behind `reject()`.

        Args:
            key: The key just refused.
            tried: Fingerprints of the keys that the same request was refused with; `key`'s is one of them.
        """
        with self._lock:
            now, rotation = self._clock(), self._rotation
            news = rotation.refused(key, now)
            other = rotation.replacement(key, tried, now)
            if other is None and (self._closed or not rotation.may_fetch_for_rejection(now)):
                return None if self._closed else rotation.parole(key, tried, now)
            asked = rotation.struck(key)
        if other is None:
            yield from self._join(asked, key, tried)
            with self._lock:
                now = self._clock()
                other = rotation.replacement(key, tried, now) or rotation.parole(key, tried, now)
        self._tell(key, other, news)
        return other

    def _join(self, asked: int, rejected: ApiKey | None = None, tried: Collection[str] = ()) -> Steps[Flight | None]:
        """Wait for a fetch that began after event `asked`; start it if need be."""
        while True:
            with self._lock:
                if rejected and self._rotation.replacement(rejected, tried, self._clock()):
                    return None
                flight, mine = self._flight, None
                if flight is None:
                    if rejected and not self._rotation.may_fetch_for_rejection(self._clock()):
                        return None
                    flight = mine = self._begin(rejected)
            if mine:
                self._launch(mine)
            yield flight.landed
            if flight.began > asked:
                return flight

    # The fetch

    def _begin(self, rejected: ApiKey | None = None) -> Flight:
        self._rotation.counters["fetches"] += 1
        self._flight = Flight(self._rotation.event(), rejected)
        return self._flight

    def _launch(self, flight: Flight) -> None:
        def ended(done: Any) -> None:
            if (error := done.exception()) is not None:
                for number, link in enumerate(self._links):
                    flight.errors[number] = foreign(link.name, error)
                    note(link, flight.errors[number])
                self._land(flight, None, [])

        in_daemon(lambda: self._land(flight, *self._walk(flight)), "genai-credentials-fetch").add_done_callback(ended)

    def _walk(self, flight: Flight) -> tuple[Found | None, list[Found]]:
        """Ask the links in order for a key that is not in quarantine."""
        passed_over: list[Found] = []
        for number, link in enumerate(self._links[: self._lowest(flight)]):
            try:
                key = link.fetch(flight.rejected, self._fetch_timeout)
            except CredentialsError as error:
                note(link, error)
                flight.errors[number] = error
                continue
            with self._lock:
                passed = self._rotation.quarantined(key)
            if not passed:
                return Found(key, number), passed_over
            link.passed_over(key)
            passed_over.append(Found(key, number))
        return self._earlier_version(flight), passed_over

    def _earlier_version(self, flight: Flight) -> Found | None:
        """At a start whose key is refused with nothing newer, the version before it is worth one try."""
        with self._lock:
            rejected, number = flight.rejected, self._rotation.serving.link
            if rejected is None or number < 0 or self._rotation.ever_worked() or rejected in self._earlier_asked:
                return None
            self._earlier_asked.add(rejected)
        link = self._links[number]
        try:
            key = link.fetch_previous(rejected, self._fetch_timeout)
        except CredentialsError as error:
            logger.info("%s: no earlier version either: %s", link.name, error)
            return None
        return None if key is None else Found(key, number)

    def _lowest(self, flight: Flight) -> int:
        """How far down the chain a fetch goes: a scheduled one never trades a working key for a lower link's."""
        with self._lock:
            rotation = self._rotation
            works = rotation.servable(self._clock()) and not rotation.quarantined(rotation.serving.key)
            return rotation.serving.link + 1 if works and flight.rejected is None else len(self._links)

    def _land(self, flight: Flight, found: Found | None, passed_over: list[Found]) -> None:
        with self._lock:
            if self._flight is not flight:
                return
            before = self._rotation.serving.key
            if not self._closed:
                self._rotation.landed(found, passed_over, self._clock(), for_rejection=flight.rejected is not None)
            self._flight = None
            after = self._rotation.serving.key
        if before is not None and after is not None and before != after:
            logger.info("The key was rotated: %s is followed by %s.", before, after, extra={"event": "rotated"})
        flight.landed.set_result(None)

    # Small print

    def _served(self) -> ApiKey:
        with self._lock:
            self._check_open()
            if self._rotation.servable(self._clock()):
                return self._rotation.serving.key
            raise self._exhausted()

    def _exhausted(self) -> NoCredentials:
        return NoCredentials(attempts=[link.last for link in self._links])

    def _check_open(self) -> None:
        if self._closed:
            raise CredentialsError("This CredentialProvider is closed.", remedy="Make another one.")

    def _tell(self, key: ApiKey, other: ApiKey | None, news: bool) -> None:
        if news and other is None:
            logger.warning(
                "The API refused %s, and no provider of the chain has another key. Store a live one in %s.",
                key,
                key.provider,
                extra={"event": "rejected"},
            )

    def before_fork(self) -> None:
        """Hold the lock, so that no child inherits half a change."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Let go."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Keep the key; drop the lock, and the fetch whose thread stayed behind."""
        self._lock = threading.Lock()
        self._flight = None
        for link in self._links:
            link.abandon()


def _check_seconds(lowest: float | None = None, **durations: float) -> None:
    for name, seconds in durations.items():
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and not math.isnan(seconds)
        if not number or (seconds <= 0 if lowest is None else seconds < lowest):
            raise ConfigurationError(
                f"{name}={seconds!r}: a duration is a number of seconds, {'over' if lowest is None else 'at least'} 0."
            )


def _an_api_key(key: object) -> ApiKey:
    if isinstance(key, ApiKey):
        return key
    raise TypeError(f"reject() takes the ApiKey that get() returned, not {type(key).__name__}")


def _age(key: ApiKey) -> float:
    from datetime import UTC, datetime

    return (datetime.now(UTC) - key.fetched_at).total_seconds()
