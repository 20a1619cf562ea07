"""The SDK options that cannot work with a key that is inserted into each request, and copies of the other options."""

from __future__ import annotations

from google.genai import types

from genai_credentials.client.origins import refuse_proxy
from genai_credentials.client.sdk import API_KEY_HEADER
from genai_credentials.errors import ConfigurationError


def check_owner(options: dict[str, object]) -> None:
    """Refuse options that provide a key or other credentials.

    Args:
        options: The user's keywords for `genai.Client`.

    Raises:
        ConfigurationError: An option provides a key or other credentials, or two options contradict each other.
    """
    for name in ("api_key", "credentials"):
        if name in options:
            raise ConfigurationError(
                f"client() does not accept {name}: the key comes from the chain.",
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


def copied(options: object) -> types.HttpOptions:
    """A copy of the user's HTTP options that may be changed.

    Args:
        options: `types.HttpOptions`, a dict of its fields, or None for the defaults.

    Raises:
        ConfigurationError: They cannot be read, or their headers contain a key.
    """
    if options is None:
        options = types.HttpOptions()
    if not isinstance(options, types.HttpOptions):
        try:
            options = types.HttpOptions.model_validate(options)
        except ValueError as error:
            # Not chained: the text of the error contains the options, headers included.
            fields = ", ".join(str(part["loc"][0]) for part in getattr(error, "errors", list)() if part.get("loc"))
            raise ConfigurationError(
                f"http_options cannot be read: {fields or type(options).__name__}.",
                remedy="Pass types.HttpOptions, or a dict of its fields.",
            ) from None
    for name in options.headers or ():
        if name.lower() == API_KEY_HEADER:
            raise ConfigurationError(
                f"http_options.headers contains {name}, but the key comes from the chain.",
                remedy="Leave it out, or put that key into the chain. For one request, set it in the request's config.",
            )
    copy: types.HttpOptions = options.model_copy()
    copy.headers = dict(options.headers) if options.headers else None
    return copy


def go_directly(options: types.HttpOptions, base_url: str | None) -> None:
    """Send plain http without any proxy, because a proxy could read the key.

    Args:
        options: The HTTP options, which are changed.
        base_url: The URL of the API; None means Google's.

    Raises:
        ConfigurationError: The options themselves name a proxy.
    """
    if base_url is None or not base_url.lower().startswith("http:"):
        return
    for name in ("client_args", "async_client_args"):
        args: dict[str, object] = getattr(options, name) or {}
        if args.get("proxy") or args.get("mounts"):
            refuse_proxy(base_url)
        setattr(options, name, {**args, "trust_env": False})
