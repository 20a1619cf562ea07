"""The environment of a command that runs behind the proxy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

LOOPBACK = ("127.0.0.1", "localhost", "::1")
URL_VARIABLE, KEY_VARIABLE = "GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY"


def environment_for(environ: Mapping[str, str], url: str, token: str, hidden: Iterable[str]) -> dict[str, str]:
    """The proxy's address and token, and neither a key nor the way to one.

    Args:
        environ: The environment that it is made from.
        url: The proxy's address.
        token: The proxy's token.
        hidden: Variables that the command doesn't get.
    """
    result = {name: value for name, value in environ.items() if name not in set(hidden)}
    exempt = {name: result.get(name) for name in ("no_proxy", "NO_PROXY")}
    for name, value in exempt.items():
        # Some tools read the one, some the other: neither may lose what only the other says.
        result[name] = _with_loopback(value or next(filter(None, exempt.values()), ""))
    return {**result, URL_VARIABLE: url, KEY_VARIABLE: token}


def _with_loopback(exempt: str) -> str:
    if exempt.strip() == "*":
        return exempt
    names = [name.strip() for name in exempt.split(",") if name.strip()]
    return ",".join(dict.fromkeys([*names, *LOOPBACK]))
