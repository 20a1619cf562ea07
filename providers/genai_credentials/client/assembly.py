"""Assembles a stock `genai.Client` around the Auth. The user's own SDK options are kept and merged."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol, TypeAlias, cast

from google import genai
from google.genai import types

from genai_credentials.client import probe, sdk
from genai_credentials.client.aiohttp_auth import AiohttpAuth
from genai_credentials.client.backends import Request, module_of, over_http_modules
from genai_credentials.client.both_auths import both
from genai_credentials.client.engines import Engines
from genai_credentials.client.httpx_auth import KeyAuth, key_auth
from genai_credentials.client.options import check_owner, copied, go_directly
from genai_credentials.client.origins import Origin, home_of, origin_of
from genai_credentials.client.pools import PerLoopTransport
from genai_credentials.client.sdk import API_KEY_HEADER, GOOGLE
from genai_credentials.client.sockets import KeptClient, Sockets, guarded
from genai_credentials.errors import ConfigurationError, CredentialsError
from genai_credentials.key import PLACEHOLDER, ApiKey

_POOLS = ("transport", "mounts")

Make: TypeAlias = Callable[[Callable[[], str], types.HttpOptions], genai.Client]
Guard: TypeAlias = "Callable[[Request], None] | Callable[[Request], Awaitable[None]]"


class HttpClient(Protocol):
    """A client of httpx or httpx2."""

    auth: object
    event_hooks: Mapping[str, Sequence[object]]


class Assembled(NamedTuple):
    """A stock client around the Auth, and the parts for further clients like it.

    Attributes:
        client: The stock client.
        make: Makes a client from a function that returns the key's text, and HTTP options.
        options: The HTTP options of `client`.
        theirs: The HTTP options of the user.
        home: The origins that may receive the key.
    """

    client: genai.Client
    make: Make
    options: types.HttpOptions
    theirs: types.HttpOptions
    home: set[Origin]

    @property
    def on_aiohttp(self) -> bool:
        """Whether asynchronous requests are sent through aiohttp."""
        return "middlewares" in (self.options.async_client_args or {})


def build_client(engines: Engines, options: dict[str, object], *, verify: bool, allow_plain_http: bool) -> genai.Client:
    """See `CredentialProvider.client`."""
    with assembled(engines, options, allow_plain_http=allow_plain_http) as parts:
        client, connection = parts.client, guarded(parts.home)

        def make_for_sockets(key: ApiKey) -> genai.Client:
            http_options = copied(parts.theirs)
            http_options.async_client_args = {"create_connection": connection, **(http_options.async_client_args or {})}
            return parts.make(key.get_secret_value, http_options)

        kept, ask = KeptClient(make_for_sockets), partial(probe.ask_with, client)
        finish(parts, client, Sockets(partial(engines.exchange, ""), kept.of, ask, parts.home))
        # Without this reference, the garbage collector could close `credentials.client().models` while it is in use.
        sdk.hold(client, client)
        if verify:
            check_served(client)
    return client


@contextlib.contextmanager
def assembled(engines: Engines, options: dict[str, object], *, allow_plain_http: bool) -> Iterator[Assembled]:
    """A stock client around the Auth. If the block raises, the user's own HTTP clients get their old settings back.

    Args:
        engines: The engines whose keys the client sends.
        options: The user's keywords for `genai.Client`.
        allow_plain_http: Whether the key may travel unencrypted to another machine.

    Raises:
        ConfigurationError: An option cannot work with a key that is inserted into each request.
    """
    make, theirs, enterprise = _maker(options)
    if theirs.base_url:
        origin_of(theirs.base_url, allow_plain_http=allow_plain_http)
    home: set[Origin] = set()
    ours = copied(theirs)
    if not allow_plain_http:
        go_directly(ours, sdk.base_url_for(ours, enterprise=enterprise))
    with _given_back_unless_built(ours.httpx_client, ours.httpx_async_client):
        _wire(engines, ours, home, allow_plain_http=allow_plain_http)
        client = make(lambda: PLACEHOLDER, ours)
        home |= home_of(sdk.base_url_of(client), allow_plain_http=allow_plain_http)
        yield Assembled(client, make, ours, theirs, home)


def finish(parts: Assembled, client: genai.Client, sockets: Sockets) -> None:
    """Give a client the parts that no Auth covers: its WebSockets, and downloads through aiohttp."""
    sdk.adapt(client, sockets)
    if parts.on_aiohttp:
        sdk.download_with_key(client)


def _maker(options: dict[str, object]) -> tuple[Make, types.HttpOptions, bool]:
    """A function that makes a stock client, the HTTP options for it, and whether the options are for Vertex AI."""
    check_owner(options)
    enterprise = bool(options.get("enterprise") or options.get("vertexai"))
    theirs = copied(options.get("http_options"))
    others = _without(options, "enterprise", "vertexai", "http_options")

    def make(text: Callable[[], str], http_options: types.HttpOptions) -> genai.Client:
        # `vertexai` is always passed. Without it, GOOGLE_GENAI_USE_VERTEXAI could change the kind of client.
        return genai.Client(vertexai=enterprise, api_key=text(), http_options=http_options, **others)  # type: ignore[arg-type]

    return make, theirs, enterprise


def build_http_options(engines: Engines, options: dict[str, object], *, allow_plain_http: bool) -> types.HttpOptions:
    """See `CredentialProvider.http_options`."""
    http_options = copied(options)
    base_url = sdk.base_url_for(http_options, enterprise=False)
    if not allow_plain_http:
        go_directly(http_options, base_url)
    homes = [home_of(url, allow_plain_http=allow_plain_http) for url in ((base_url,) if base_url else GOOGLE)]
    with _given_back_unless_built(http_options.httpx_client, http_options.httpx_async_client):
        home: set[Origin] = set().union(*homes)
        obstacle = sdk.obstacle_to_downloads()
        _wire(engines, http_options, home, allow_plain_http=allow_plain_http, obstacle=obstacle)
    # This header overrides the api_key of the client that the framework builds. Therefore the same rule works here:
    # only the placeholder is replaced.
    http_options.headers = {**(http_options.headers or {}), API_KEY_HEADER: PLACEHOLDER}
    return http_options


@contextlib.contextmanager
def _given_back_unless_built(*clients: object) -> Iterator[None]:
    """If the block raises, remove the Auth from the user's own HTTP clients. They then work as before."""
    ready = [cast(HttpClient, client) for client in clients if hasattr(client, "event_hooks")]
    before = [(client, client.auth, client.event_hooks) for client in ready]
    try:
        yield
    except BaseException:
        for client, auth, hooks in before:
            client.auth, client.event_hooks = auth, hooks
        raise


def _wire(
    engines: Engines,
    options: types.HttpOptions,
    home: set[Origin],
    *,
    allow_plain_http: bool,
    obstacle: str | None = None,
) -> None:
    """Add the Auth to every part of the SDK that sends requests.

    `options` are changed. `obstacle` is the reason why aiohttp cannot be used; None if there is none.
    """
    sync, asynchronous = options.client_args or {}, options.async_client_args or {}
    # The SDK uses `verify` of the synchronous arguments for asynchronous requests too. It is copied before our parts
    # are added.
    verify = (options.client_args or asynchronous).get("verify")
    clients = (options.httpx_client, options.httpx_async_client)
    module = module_of(*clients, *sync.values(), *asynchronous.values())
    auth = key_auth(engines, home, module, allow_plain_http=allow_plain_http)
    auth.may_meet_proxies = clients != (None, None)
    if options.httpx_client is not None:
        _adopt(cast(HttpClient, options.httpx_client), auth, auth.guard)
    else:
        options.client_args = _httpx_args(_verifying(sync, verify), auth, auth.guard)
    if options.httpx_async_client is not None:
        _adopt(cast(HttpClient, options.httpx_async_client), auth, auth.aguard)
    else:
        theirs = _verifying(asynchronous, verify)
        options.async_client_args = _async_args(theirs, options, auth, obstacle)


def _async_args(
    theirs: dict[str, object], options: types.HttpOptions, auth: KeyAuth, obstacle: str | None
) -> dict[str, object]:
    """The arguments for asynchronous requests, for the transport that the SDK would choose."""
    aiohttp = None if theirs.get("transport") is not None else sdk.optional_aiohttp()
    if aiohttp is None:
        # A transport of the user has its own pool.
        pooled = sdk.keeps_a_pool_per_loop() or not theirs.keys().isdisjoint(_POOLS)
        return (_httpx_args if pooled else _per_loop_args)(theirs, auth, auth.aguard)
    if obstacle := sdk.obstacle_to_aiohttp(aiohttp, theirs) or obstacle:
        # With a transport in its arguments, the SDK uses httpx. Options that only aiohttp supports would be dropped
        # without an error.
        for name, part in (("aiohttp_client", options.aiohttp_client), ("middlewares", theirs.get("middlewares"))):
            if part:
                raise ConfigurationError(
                    f"{name} cannot be used: {obstacle}.", remedy=f"Fix that, or leave {name} out."
                )
        # httpx calls aiohttp's `ssl` `verify`.
        return _per_loop_args(_verifying(theirs, theirs.get("ssl")), auth, auth.aguard)
    return _aiohttp_args(theirs, getattr(options, "aiohttp_client", None), auth)


def _aiohttp_args(theirs: dict[str, object], session: object, auth: KeyAuth) -> dict[str, object]:
    # The middlewares of a request replace the middlewares of its session. Therefore the session's own are repeated
    # here.
    before = cast(Iterable[object], theirs.get("middlewares") or sdk.middlewares_of(session))
    inside = _without(theirs, "auth", "middlewares")
    return {
        **_without(theirs, "event_hooks"),
        "middlewares": (*before, AiohttpAuth(auth)),
        # Interactions use httpx even with aiohttp. A mount alone would have a lower priority than the environment's
        # proxies. The transport handles those proxies itself.
        "mounts": {"all://": _per_loop(inside, auth, auth.aguard)},
        "trust_env": False,
    }


def _verifying(args: dict[str, object], verify: object) -> dict[str, object]:
    return args if args.get("verify") or verify is None else {**args, "verify": verify}


def _without(args: dict[str, object], *names: str) -> dict[str, object]:
    return {name: part for name, part in args.items() if name not in names}


def _httpx_args(theirs: dict[str, object], auth: KeyAuth, guard: Guard) -> dict[str, object]:
    hooks = _guarded(cast(Mapping[str, Sequence[object]], theirs.get("event_hooks") or {}), guard)
    return {**theirs, "auth": both(auth, theirs.get("auth")), "event_hooks": hooks}


def _guarded(hooks: Mapping[str, Sequence[object]], guard: Guard) -> dict[str, Sequence[object]]:
    """The user's event hooks, followed by ours."""
    return {**hooks, "request": [*hooks.get("request", ()), guard]}


def _adopt(client: HttpClient, auth: KeyAuth, guard: Guard) -> None:
    """Add the Auth to an HTTP client of the user."""
    if sdk.is_the_sdks_own(client):
        raise ConfigurationError(
            f"A {type(client).__name__} of the SDK accepts no Auth after it is built.",
            remedy="Pass a plain httpx.AsyncClient, or its arguments as async_client_args.",
        )
    current = getattr(client.auth, "ours", client.auth)
    if isinstance(current, KeyAuth):
        raise ConfigurationError(
            "This HTTP client already sends another client's key.", remedy="Pass each client its own HTTP client."
        )
    client.auth = both(auth, client.auth)
    client.event_hooks = _guarded(client.event_hooks, guard)


def _per_loop(args: dict[str, object], auth: KeyAuth, guard: Guard) -> object:
    transport: object = over_http_modules(PerLoopTransport, "AsyncBaseTransport")(_httpx_args(args, auth, guard))
    return transport


def _per_loop_args(theirs: dict[str, object], auth: KeyAuth, guard: Guard) -> dict[str, object]:
    """The arguments for an httpx client that sends through a client per event loop.

    All options about sending go to the inner client. In the outer client they would take effect twice.
    """
    inside = ("auth", "event_hooks", "proxy", "mounts")
    return {**_without(theirs, *inside), "transport": _per_loop(theirs, auth, guard)}


def check_served(client: genai.Client) -> None:
    """List one model with a client, and close the client if that fails.

    Args:
        client: The client.

    Raises:
        CredentialsError: The API did not answer, or did not serve the request.
    """
    try:
        code, status, verdict = probe.ask_with(client)
    except CredentialsError:
        client.close()
        raise
    if code == 200:
        return
    client.close()
    what = "The API refused the key" if verdict.cause else "The API did not serve the request"
    raise CredentialsError(
        f"{what}: {code} {verdict.cause or status}".rstrip() + ".",
        remedy=verdict.remedy or "Run 'genai-credentials check' for a diagnosis.",
    )
