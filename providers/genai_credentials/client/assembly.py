"""Assembles a stock `genai.Client` around the Auth; the SDK's own options are kept and merged."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias, cast

from google import genai
from google.genai import types

from genai_credentials.client import probe, sdk
from genai_credentials.client.aiohttp_auth import AiohttpAuth
from genai_credentials.client.backends import Request, module_of, over_http_modules
from genai_credentials.client.both_auths import both
from genai_credentials.client.httpx_auth import KeyAuth, key_auth
from genai_credentials.client.origins import Origin, home_of, origin_of, refuse_proxy
from genai_credentials.client.pools import PerLoopTransport
from genai_credentials.client.sdk import API_KEY_HEADER, GOOGLE
from genai_credentials.client.sockets import Sockets
from genai_credentials.engine import Engine
from genai_credentials.errors import ConfigurationError, CredentialsError
from genai_credentials.key import PLACEHOLDER, ApiKey

_POOLS = ("transport", "mounts")

Make: TypeAlias = Callable[[Callable[[], str], types.HttpOptions], genai.Client]
Guard: TypeAlias = "Callable[[Request], None] | Callable[[Request], Awaitable[None]]"


class HttpClient(Protocol):
    """A client of httpx or httpx2, or its arguments."""

    auth: object
    event_hooks: Mapping[str, Sequence[object]]


def build_client(engine: Engine, options: dict[str, object], *, verify: bool, allow_plain_http: bool) -> genai.Client:
    """See `CredentialProvider.client`."""
    make, theirs, enterprise = _maker(options)
    if theirs.base_url:
        origin_of(theirs.base_url, allow_plain_http=allow_plain_http)

    def make_for_sockets(key: ApiKey, connection: type) -> genai.Client:
        http_options = _copied(theirs)
        http_options.async_client_args = {"create_connection": connection, **(theirs.async_client_args or {})}
        return make(key.get_secret_value, http_options)

    home: set[Origin] = set()
    ours = _copied(theirs)
    if not allow_plain_http:
        _go_directly(ours, sdk.base_url_for(ours, enterprise=enterprise))
    with _given_back_unless_built(ours.httpx_client, ours.httpx_async_client):
        _wire(engine, ours, home, allow_plain_http=allow_plain_http)
        client = make(lambda: PLACEHOLDER, ours)
        home |= home_of(sdk.base_url_of(client), allow_plain_http=allow_plain_http)
        sdk.adapt(client, Sockets(engine, make_for_sockets, client, home))
        if "middlewares" in (ours.async_client_args or {}):
            sdk.download_with_key(client)
        if verify:
            _verify(client)
    return client


def _maker(options: dict[str, object]) -> tuple[Make, types.HttpOptions, bool]:
    """What makes a stock client with these options, their HTTP options, and whether it is one of Vertex AI."""
    _check_owner(options)
    enterprise = bool(options.get("enterprise") or options.get("vertexai"))
    theirs = _copied(options.get("http_options"))
    others = _without(options, "enterprise", "vertexai", "http_options")

    def make(text: Callable[[], str], http_options: types.HttpOptions) -> genai.Client:
        # `vertexai` is always named: left out, GOOGLE_GENAI_USE_VERTEXAI would turn the client into another one.
        return genai.Client(vertexai=enterprise, api_key=text(), http_options=http_options, **others)  # type: ignore[arg-type]

    return make, theirs, enterprise


def build_http_options(engine: Engine, options: dict[str, object], *, allow_plain_http: bool) -> types.HttpOptions:
    """See `CredentialProvider.http_options`."""
    http_options = _copied(options)
    base_url = sdk.base_url_for(http_options, enterprise=False)
    if not allow_plain_http:
        _go_directly(http_options, base_url)
    homes = [home_of(url, allow_plain_http=allow_plain_http) for url in ((base_url,) if base_url else GOOGLE)]
    with _given_back_unless_built(http_options.httpx_client, http_options.httpx_async_client):
        home: set[Origin] = set().union(*homes)
        obstacle = sdk.obstacle_to_downloads()
        _wire(engine, http_options, home, allow_plain_http=allow_plain_http, obstacle=obstacle)
    # It outranks the api_key that the other client is built with, so the one rule serves here too.
    http_options.headers = {**(http_options.headers or {}), API_KEY_HEADER: PLACEHOLDER}
    return http_options


@contextlib.contextmanager
def _given_back_unless_built(*clients: object) -> Iterator[None]:
    """Take the Auth off ready clients of the user's when no client of ours comes of it, so that they serve again."""
    ready = [cast(HttpClient, client) for client in clients if hasattr(client, "event_hooks")]
    before = [(client, client.auth, client.event_hooks) for client in ready]
    try:
        yield
    except BaseException:
        for client, auth, hooks in before:
            client.auth, client.event_hooks = auth, hooks
        raise


def _check_owner(options: dict[str, object]) -> None:
    for name in ("api_key", "credentials"):
        if name in options:
            raise ConfigurationError(
                f"client() takes no {name}: the key comes from the chain.",
                remedy="Add a provider to the chain, or use genai.Client itself.",
            )
    if options.get("project") or options.get("location"):
        raise ConfigurationError(
            "project and location mean Google Cloud credentials, not an API key.",
            remedy="Use genai.Client(enterprise=True, project=…, location=…) for that.",
        )
    if (
        None not in (options.get("enterprise"), options.get("vertexai"))
        and options["enterprise"] != options["vertexai"]
    ):
        raise ConfigurationError("enterprise and vertexai contradict each other.", remedy="Leave vertexai out.")


def _copied(options: object) -> types.HttpOptions:
    """The user's options as a copy of ours to change."""
    if options is None:
        options = types.HttpOptions()
    if not isinstance(options, types.HttpOptions):
        try:
            options = types.HttpOptions.model_validate(options)
        except ValueError as error:
            # Not chained: the text of the error holds the options, headers included.
            fields = ", ".join(str(part["loc"][0]) for part in getattr(error, "errors", list)() if part.get("loc"))
            raise ConfigurationError(f"http_options cannot be read: {fields or type(options).__name__}.") from None
    for name in options.headers or ():
        if name.lower() == API_KEY_HEADER:
            raise ConfigurationError(
                f"http_options.headers has {name}: one key would have two owners.",
                remedy="Leave it out, or put that key into the chain. For one request, set it in the request's config.",
            )
    copy: types.HttpOptions = options.model_copy()
    copy.headers = dict(options.headers) if options.headers else None
    return copy


def _go_directly(options: types.HttpOptions, base_url: str | None) -> None:
    """Keep plain http to this machine from any proxy, which would read the key.

    Raises:
        ConfigurationError: The options name a proxy themselves.
    """
    if base_url is None or not base_url.lower().startswith("http:"):
        return
    for name in ("client_args", "async_client_args"):
        args: dict[str, object] = getattr(options, name) or {}
        if args.get("proxy") or args.get("mounts"):
            refuse_proxy(base_url)
        setattr(options, name, {**args, "trust_env": False})


def _wire(
    engine: Engine,
    options: types.HttpOptions,
    home: set[Origin],
    *,
    allow_plain_http: bool,
    obstacle: str | None = None,
) -> None:
    """Put the Auth wherever the SDK sends a request from; `obstacle` says why not by way of aiohttp."""
    sync, asynchronous = options.client_args or {}, options.async_client_args or {}
    # The SDK looks for it there too, before it knows of parts of ours: sync's `verify` is also async's.
    verify = (options.client_args or asynchronous).get("verify")
    clients = (options.httpx_client, options.httpx_async_client)
    module = module_of(*clients, *sync.values(), *asynchronous.values())
    auth = key_auth(engine, home, module, allow_plain_http=allow_plain_http)
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
    """The arguments for what is asynchronous, on the transport that the SDK would choose."""
    aiohttp = None if theirs.get("transport") is not None else sdk.optional_aiohttp()
    if aiohttp is None:
        # A transport of theirs owns its own pool.
        pooled = sdk.keeps_a_pool_per_loop() or not theirs.keys().isdisjoint(_POOLS)
        return (_httpx_args if pooled else _per_loop_args)(theirs, auth, auth.aguard)
    if obstacle := sdk.obstacle_to_aiohttp(aiohttp, theirs) or obstacle:
        # With a transport named, the SDK stays with httpx: what only aiohttp could do would be lost silently.
        for name, part in (("aiohttp_client", options.aiohttp_client), ("middlewares", theirs.get("middlewares"))):
            if part:
                raise ConfigurationError(f"{name} cannot be used: {obstacle}.")
        # httpx has another word for aiohttp's `ssl`.
        return _per_loop_args(_verifying(theirs, theirs.get("ssl")), auth, auth.aguard)
    return _aiohttp_args(theirs, getattr(options, "aiohttp_client", None), auth)


def _aiohttp_args(theirs: dict[str, object], session: object, auth: KeyAuth) -> dict[str, object]:
    # Those of one request replace a session's own, so they are named again.
    before = cast(Iterable[object], theirs.get("middlewares") or sdk.middlewares_of(session))
    inside = _without(theirs, "auth", "middlewares")
    return {
        **_without(theirs, "event_hooks"),
        "middlewares": (*before, AiohttpAuth(auth)),
        # The interactions side stays on httpx even so. A mount alone would lose to the environment's proxies, which
        # the transport sees to itself.
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
    """The user's event hooks, and ours after them."""
    return {**hooks, "request": [*hooks.get("request", ()), guard]}


def _adopt(client: HttpClient, auth: KeyAuth, guard: Guard) -> None:
    """Give a ready client of the user's the Auth."""
    if sdk.is_the_sdks_own(client):
        raise ConfigurationError(
            f"A {type(client).__name__} of the SDK takes no Auth once it is built.",
            remedy="Pass a plain httpx.AsyncClient, or its arguments as async_client_args.",
        )
    current = getattr(client.auth, "ours", client.auth)
    if isinstance(current, KeyAuth):
        raise ConfigurationError(
            "This HTTP client already serves a client with a key of its own.", remedy="Pass each client an own one."
        )
    client.auth = both(auth, client.auth)
    client.event_hooks = _guarded(client.event_hooks, guard)


def _per_loop(args: dict[str, object], auth: KeyAuth, guard: Guard) -> object:
    transport: object = over_http_modules(PerLoopTransport, "AsyncBaseTransport")(_httpx_args(args, auth, guard))
    return transport


def _per_loop_args(theirs: dict[str, object], auth: KeyAuth, guard: Guard) -> dict[str, object]:
    """Everything that concerns the sending of a request goes inside: the client around it would do it twice."""
    inside = ("auth", "event_hooks", "proxy", "mounts")
    return {**_without(theirs, *inside), "transport": _per_loop(theirs, auth, guard)}


def _verify(client: genai.Client) -> None:
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
