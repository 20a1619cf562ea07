"""Assembles a stock `genai.Client` around the Auth; the SDK's own options are kept and merged."""

from __future__ import annotations

import inspect
import json
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import types

from genai_credentials.auth import (
    API_KEY_HEADER,
    AiohttpAuth,
    BothAuths,
    KeyAuth,
    http_modules,
    key_auth,
    over_http_modules,
)
from genai_credentials.errors import ConfigurationError, CredentialsError
from genai_credentials.key import PLACEHOLDER
from genai_credentials.live import Sockets, install
from genai_credentials.origins import Origin, origin_of
from genai_credentials.rejection import classify
from genai_credentials.transport import PerLoopTransport

if TYPE_CHECKING:
    from genai_credentials.credentials import CredentialProvider

GOOGLE = ("https://generativelanguage.googleapis.com", "https://aiplatform.googleapis.com")
"""The SDK's own base URLs for an API key (google.genai._api_client)."""


def build_client(
    credentials: CredentialProvider, options: dict[str, Any], *, verify: bool, allow_plain_http: bool
) -> genai.Client:
    """See `CredentialProvider.client`."""
    _check_owner(options)
    enterprise = bool(options.pop("enterprise", False) or options.pop("vertexai", False))
    options.pop("vertexai", None)
    theirs = _copied(options.pop("http_options", None))
    home: set[Origin] = set()
    if theirs.base_url:
        origin_of(theirs.base_url, allow_plain_http=allow_plain_http)

    def make(key: str, http_options: types.HttpOptions) -> genai.Client:
        # `vertexai` is always named: left out, GOOGLE_GENAI_USE_VERTEXAI would turn the client into another one.
        return genai.Client(vertexai=enterprise, api_key=key, http_options=http_options, **options)

    def make_for_sockets(key: str, connection: type) -> genai.Client:
        http_options = _copied(theirs)
        http_options.async_client_args = {"create_connection": connection, **(theirs.async_client_args or {})}
        return make(key, http_options)

    ours = _copied(theirs)
    _wire(credentials, ours, home)
    client = make(PLACEHOLDER, ours)
    base_url = client._api_client._http_options.base_url
    home.add(origin_of(str(base_url), allow_plain_http=allow_plain_http))
    install(client, Sockets(credentials, make_for_sockets, client, home))
    if verify:
        _verify(client)
    return client


def build_http_options(
    credentials: CredentialProvider, options: dict[str, Any], *, allow_plain_http: bool
) -> types.HttpOptions:
    """See `CredentialProvider.http_options`."""
    http_options = _copied(options)
    base_url = http_options.base_url or os.environ.get("GOOGLE_GEMINI_BASE_URL")
    urls = (base_url,) if base_url else GOOGLE
    _wire(credentials, http_options, {origin_of(url, allow_plain_http=allow_plain_http) for url in urls})
    # It outranks the api_key that the other client is built with, so the one rule serves here too.
    http_options.headers = {**(http_options.headers or {}), API_KEY_HEADER: PLACEHOLDER}
    return http_options


def _check_owner(options: dict[str, Any]) -> None:
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


def _copied(options: Any) -> types.HttpOptions:
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


def _wire(credentials: CredentialProvider, options: types.HttpOptions, home: set[Origin]) -> None:
    """Put the Auth wherever the SDK sends a request from."""
    auth = key_auth(credentials, home)
    if options.httpx_client is not None:
        _adopt(options.httpx_client, auth, auth.guard)
    else:
        options.client_args = _httpx_args(options.client_args, auth, auth.guard)
    if options.httpx_async_client is not None:
        _adopt(options.httpx_async_client, auth, auth.aguard)
        return
    theirs = dict(options.async_client_args or {})
    if not _uses_aiohttp(theirs):
        options.async_client_args = _httpx_args(theirs, auth, auth.aguard)
        return
    if theirs.get("auth") is not None and not isinstance(theirs["auth"], tuple):
        # aiohttp would raise TypeError on an Auth of httpx; with a transport named, the SDK stays with httpx.
        options.async_client_args = {**theirs, "transport": _per_loop(auth, theirs)}
        return
    session = getattr(options, "aiohttp_client", None)
    before = theirs.pop("middlewares", None) or getattr(session, "_middlewares", None) or ()
    options.async_client_args = {
        **theirs,
        "middlewares": (*before, AiohttpAuth(auth)),
        # The interactions side stays on httpx even so. A mount alone would lose to the environment's proxies, which
        # the transport sees to itself.
        "mounts": {"all://": _per_loop(auth, {name: part for name, part in theirs.items() if name != "auth"})},
        "trust_env": False,
    }


def _httpx_args(theirs: dict[str, Any] | None, auth: KeyAuth, guard: Any) -> dict[str, Any]:
    args = dict(theirs or {})
    hooks = {name: list(functions) for name, functions in (args.get("event_hooks") or {}).items()}
    hooks["request"] = [*hooks.get("request", ()), guard]
    return {**args, "auth": _both(auth, args.get("auth")), "event_hooks": hooks}


def _both(ours: KeyAuth, theirs: Any) -> Any:
    if theirs is None:
        return ours
    if not hasattr(theirs, "sync_auth_flow"):
        module = http_modules()[0]
        theirs = (
            module.BasicAuth(*theirs) if isinstance(theirs, tuple) else over_http_modules(_FunctionAuth, "Auth")(theirs)
        )
    return over_http_modules(BothAuths, "Auth")(ours, theirs)


class _FunctionAuth:
    """What httpx makes of a callable `auth`; it exports no class for that."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def auth_flow(self, request: Any) -> Any:
        yield self._function(request)


def _adopt(client: Any, auth: KeyAuth, guard: Any) -> None:
    """Give a ready client of the user's the Auth."""
    if hasattr(client, "_loop_clients"):
        raise ConfigurationError(
            f"A {type(client).__name__} of the SDK takes no Auth once it is built.",
            remedy="Pass a plain httpx.AsyncClient, or its arguments as async_client_args.",
        )
    current = getattr(client.auth, "ours", client.auth)
    if isinstance(current, KeyAuth):
        raise ConfigurationError(
            "This HTTP client already serves a client with a key of its own.", remedy="Pass each client an own one."
        )
    client.auth = _both(auth, client.auth)
    hooks = client.event_hooks
    client.event_hooks = {**hooks, "request": [*hooks.get("request", ()), guard]}


def _per_loop(auth: KeyAuth, args: dict[str, Any]) -> Any:
    mixed = over_http_modules(PerLoopTransport, "AsyncBaseTransport")
    return mixed(http_modules()[0], _httpx_args(args, auth, auth.aguard))


def _uses_aiohttp(async_args: dict[str, Any]) -> bool:
    """Whether the SDK would send asynchronous requests with aiohttp, and that can take a middleware (>= 3.12)."""
    if async_args.get("transport") is not None:
        return False
    try:
        aiohttp = import_module("aiohttp")
    except ImportError:
        return False
    # The SDK's own test for what reaches aiohttp: an older one would drop the middleware silently.
    return "middlewares" in inspect.signature(aiohttp.ClientSession._request).parameters


def _verify(client: genai.Client) -> None:
    from google.genai import errors

    try:
        next(iter(client.models.list(config={"page_size": 1})), None)
    except errors.APIError as error:
        verdict = classify(error.code, json.dumps(error.details))
        raise CredentialsError(
            f"The API refused the key: {error.code} {verdict.cause or error.status or ''}".rstrip() + ".",
            remedy=verdict.remedy or "Run 'genai-credentials check' for a diagnosis.",
        ) from error
