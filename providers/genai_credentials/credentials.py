"""`CredentialProvider`: the front of the engine, and the factory of clients."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from random import Random
from typing import TYPE_CHECKING, Self, Unpack

from genai_credentials import redaction
from genai_credentials.chain import links_of
from genai_credentials.client_factory import ClientFactory
from genai_credentials.closing import ClosedByBlock
from genai_credentials.durations import check_seconds, check_window
from genai_credentials.engine import Engine
from genai_credentials.errors import ConfigurationError
from genai_credentials.events import Event, Events
from genai_credentials.flight import Steps, adrive, drive
from genai_credentials.forks import at_work
from genai_credentials.key import ApiKey, no_api_key
from genai_credentials.keystate import KeyState
from genai_credentials.known import KnownKeys
from genai_credentials.pydantic_field import PydanticField
from genai_credentials.sealing import OfThisProcess, emptied, sealed_call

if TYPE_CHECKING:
    from genai_credentials.options import ProviderOptions
    from genai_credentials.provider import AnyProvider
    from genai_credentials.status import Status

_DICE = Random()  # noqa: S311 - jitter, not a secret
"""One for all: each takes 2.5 KB, and there may be ten thousand providers."""


class CredentialProvider(ClientFactory, PydanticField, OfThisProcess, ClosedByBlock):
    """Serves an API key from the first provider that has one, and follows its rotations.

    Args:
        providers: In order of preference: providers, callables that return a key, or chains of them.
        ttl: Seconds a key is served before it is refreshed in the background; a jitter of 10 % spreads a fleet.
        max_stale: Seconds past `ttl` that a key is still served while every refresh fails.
        min_refresh_interval: Seconds from a rejection whose fetch found nothing better to the next such fetch.
        fetch_timeout: Seconds that one fetch of one provider may take, retries included.
        patience: Seconds from a key's first refusal in which a request may be sent again with it, where replicas of
            the API seem to disagree: the key has just followed another, or was accepted since. 0 means never.
        redact_logs: Keep the key out of what the libraries underneath log at DEBUG.
        on_event: Called with each `Event`, in the thread where it happens; None for nobody.
        clock: Seconds that only grow; for tests.
        random: The source of all jitter; None means one of its own.

    Raises:
        ConfigurationError: No provider, something that is none, or a duration that makes no sense.

    Examples:
        >>> credentials = CredentialProvider(lambda: "AIzaExample")
        >>> credentials.get()
        <ApiKey f6f4944b from callable:<lambda>>
        >>> credentials()
        'AIzaExample'
    """

    @sealed_call
    def __init__(
        self,
        *providers: AnyProvider,
        ttl: float = 300.0,
        max_stale: float = 86_400.0,
        min_refresh_interval: float = 5.0,
        fetch_timeout: float = 10.0,
        patience: float = 3.0,
        redact_logs: bool = True,
        on_event: Callable[[Event], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        check_seconds(ttl=ttl, fetch_timeout=fetch_timeout)
        check_seconds(lowest=0.0, max_stale=max_stale, min_refresh_interval=min_refresh_interval, patience=patience)
        known = KnownKeys(interval=min_refresh_interval, patience=patience, clock=clock)
        dice = random or _DICE
        self._keystate = KeyState(ttl=ttl, max_stale=max_stale, known=known, random=dice)
        self._clock = clock
        if redact_logs:
            redaction.require()
        else:
            redaction.decline()
        events = Events(*([on_event] if on_event else []))
        fetched = redaction.know if redact_logs else _forget
        self.engine = Engine(links_of(providers), self._keystate, fetch_timeout, clock, fetched, events)

    # The key

    def get(self) -> ApiKey:
        """The current key: from memory while it is fresh; waits for a fetch only when there is none to serve.

        Raises:
            NoCredentials: No provider has a key.
        """
        serving, clock = self._keystate.serving, self._clock
        if clock() < serving.due_at:
            return serving.key
        return drive(self.engine.get_steps())

    async def aget(self) -> ApiKey:
        """`get()` for asynchronous code: it never blocks the event loop."""
        serving, clock = self._keystate.serving, self._clock
        if clock() < serving.due_at:
            return serving.key
        return await adrive(self.engine.get_steps())

    def __call__(self) -> str:
        """The current key's text, so that this object is a callable key for the clients that take one."""
        read = self._keystate.serving.read
        return read() or drive(self.engine.get_steps()).get_secret_value()

    def refresh(self) -> ApiKey:
        """Fetch now, whatever the cache holds, and return the current key afterwards.

        Raises:
            NoCredentials: No provider has a key.
            CredentialsError: The provider that serves could not be read; its key is still served.
        """
        return drive(self.engine.refresh_steps())

    async def arefresh(self) -> ApiKey:
        """`refresh()` for asynchronous code."""
        return await adrive(self.engine.refresh_steps())

    def reject(self, key: ApiKey) -> ApiKey | None:
        """Say that the API refused this key; another key worth trying at once, or None when there is none.

        A key that is no longer current costs no fetch. Otherwise one fetch is made, shared by all who reject the
        same key, and at most one per `min_refresh_interval` while nothing better is found.
        """
        if not isinstance(key, ApiKey):
            raise no_api_key(key := type(key))
        return drive(self._reject_steps(key))

    async def areject(self, key: ApiKey) -> ApiKey | None:
        """`reject()` for asynchronous code."""
        if not isinstance(key, ApiKey):
            raise no_api_key(key := type(key))
        return await adrive(self._reject_steps(key))

    def _reject_steps(self, key: ApiKey) -> Steps[ApiKey | None]:
        other = yield from self.engine.reject_steps(key, ())
        if other is None:
            self.engine.gave_up(key)
        return other

    def accept(self, key: ApiKey) -> None:
        """Say that the API accepted a request with this key; the client does so, and only the first time counts."""
        if not isinstance(key, ApiKey):
            raise no_api_key(key := type(key))
        self.engine.accept(key)

    # News of a newer one

    def notify(self, version: object = None, *, within: float = 30.0) -> None:
        """Say that a newer key may be there: at a random moment of the next seconds the process fetches by itself.

        Until then the current key is served, on use too. It never blocks, and may be called from a signal's handler.
        A notification lasts until a fetch that began after it succeeds. To be told again before that changes nothing,
        unless the new window ends earlier. Fetches for notifications are at least `min_refresh_interval` apart.

        Args:
            version: The version that is there now, which saves a fetch where it is already served; None, or anything
                that is no version, means an unknown one. It never decides which version is fetched.
            within: Seconds in which the moment lies. A fleet that is told at once so spreads its fetches.

        Raises:
            ConfigurationError: `within` is no number of seconds.
        """
        # Checked with care only where it may be wrong: this is called for each of a flood.
        if type(within) is not float or not 0.0 <= within < math.inf:
            try:
                check_window(within)
            except ConfigurationError as error:
                del within, version
                raise emptied(error) from None
        self.engine.notifications.notify(within, version)

    @sealed_call
    def notify_event(self, event: object, *, within: float = 30.0) -> bool:
        """`notify()`, if what a broker delivered says that the secret of one of this chain's links has changed.

        It understands Secret Manager's events by way of Pub/Sub (the attributes, a push body, a pulled message), and
        those of AWS Secrets Manager from EventBridge (its own and CloudTrail's), each also in an envelope of SNS or
        SQS. It reads the event and does nothing else: whoever can publish can make this process fetch, and no more.

        Sources: https://cloud.google.com/secret-manager/docs/event-notifications and
        https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html.

        Args:
            event: A mapping, or its JSON as text or bytes.
            within: As for `notify()`.

        Returns:
            Whether it was such an event; False for everything else, never an error.

        Raises:
            ConfigurationError: `within` is no number of seconds.
        """
        with at_work():
            from genai_credentials.pushes.news import news_in
        check_window(within)
        found = news_in(event, [link.provider for link in self.engine.links])
        for news in found:
            self.engine.notifications.notify(within, news.version, news.links)
        return bool(found)

    @classmethod
    @sealed_call
    def from_uris(cls, *uris: str, **options: Unpack[ProviderOptions]) -> Self:
        """A provider chain from its text form: `env:`, `google:projects/…`, `aws:name?region=…#field`.

        Raises:
            ConfigurationError: A URI is wrong; the message points at the place.
        """
        with at_work():
            from genai_credentials.uris import parse

        return cls(*(parse(uri) for uri in uris), **options)

    @classmethod
    @sealed_call
    def from_environment(cls, environ: Mapping[str, str] | None = None, **options: Unpack[ProviderOptions]) -> Self:
        """The chain that `GENAI_CREDENTIALS` describes: URIs with white space between; unset means `env:`.

        Args:
            environ: Where to read it, and where its `env:` looks; None means `os.environ`.
            options: Arguments of the constructor; they win over `GENAI_CREDENTIALS_TTL` and its like.

        Raises:
            ConfigurationError: As for `from_uris`, or a duration is no number of seconds.
        """
        with at_work():
            from genai_credentials.uris import VARIABLE, parse_all, settings

        uris, durations = settings(environ)
        return cls(*parse_all(uris, VARIABLE, environ), **{**durations, **options})  # type: ignore[arg-type]

    # Its life

    def status(self) -> Status:
        """What is served, from where, since when, and what each link last answered; nothing secret."""
        with at_work():
            from genai_credentials.status import status_of

        return status_of(self.engine)

    def close(self) -> None:
        """Forget the key and close the providers' clients; idempotent. A fetch under way ends unheard.

        All are closed, also when one raises; its error is raised afterwards.
        """
        with ExitStack() as closing:
            for link in reversed(self.engine.links if self.engine.close() else ()):
                if callable(close := getattr(link.provider, "close", None)):
                    closing.callback(close)

    def __repr__(self) -> str:
        return f"<CredentialProvider {', '.join(link.name for link in self.engine.links)}>"

    def _why_not_pickled(self) -> str:
        uris = [getattr(link.provider, "uri", None) for link in self.engine.links]
        again = f"from_uris({', '.join(map(repr, uris))})" if all(uris) else "from_environment()"
        return (
            "A CredentialProvider is not pickled: its key, its threads and its connections belong to this process. "
            f"Make one in the other process: CredentialProvider.{again}."
        )


def _forget(key: ApiKey) -> None:
    """What is done with each key when logs are not redacted."""
