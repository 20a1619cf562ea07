"""The environment of a command that runs behind the proxy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

LOOPBACK = ("127.0.0.1", "localhost", "::1")
URL_VARIABLE, KEY_VARIABLE = "GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY"


def environment_for(environ: Mapping[str, str], url: str, token: str, hidden: Iterable[str]) -> dict[str, str]:
    """The environment with the proxy's address and token, and without the hidden variables.

    Args:
        environ: The environment to start from.
        url: The proxy's address.
        token: The proxy's token.
        hidden: The names of variables that the command doesn't get.
    """
    result = {name: value for name, value in environ.items() if name not in set(hidden)}
    exempt = {name: result.get(name) for name in ("no_proxy", "NO_PROXY")}
    for name, value in exempt.items():
        # Some tools read `no_proxy`, others `NO_PROXY`. Each variable must keep a value that only the other variable
        # has.
        result[name] = _with_loopback(value or next(filter(None, exempt.values()), ""))
    return {**result, URL_VARIABLE: url, KEY_VARIABLE: token}


def _with_loopback(exempt: str) -> str:
    if exempt.strip() == "*":
        return exempt
    names = [name.strip() for name in exempt.split(",") if name.strip()]
    return ",".join(dict.fromkeys([*names, *LOOPBACK]))
