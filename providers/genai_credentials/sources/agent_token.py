"""The token for AWS's agent. The agent requires it, because a web page could otherwise make a program ask it (SSRF)."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from genai_credentials.errors import FetchFailed, Unavailable

HEADER = "X-Aws-Parameters-Secrets-Token"
TOKEN_FILE = (
    Path(r"C:\ProgramData\AWS\WorkloadCredentialsProvider\awssmatoken")
    if sys.platform == "win32"
    else Path("/var/run/awssmatoken")
)
_FILE = "file://"
_MOST_BYTES = 65_536


def find_token(name: str) -> str:
    """Return the token. It is read from the first of the places in which the agent itself looks for a token.

    Args:
        name: The name of the provider, for the error.

    Raises:
        Unavailable: There is no token on this machine. No agent was set up here.
        FetchFailed: The token cannot be read, or it has characters that no HTTP header can have.
    """
    token = os.environ.get("AWS_TOKEN", "")
    if token.startswith(_FILE):
        path = Path(token.removeprefix(_FILE))
        return _checked(_read(path, name), name, str(path))
    if token:
        return _checked(token, name, "AWS_TOKEN")
    if (in_the_file := _read_if_there(TOKEN_FILE, name)) is not None:
        return _checked(in_the_file, name, str(TOKEN_FILE))
    for variable in ("AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"):
        if token := os.environ.get(variable, ""):
            return _checked(token, name, variable)
    raise Unavailable(
        f"{name}: there is no token for AWS's agent on this machine.",
        remedy=f"Start the agent, which writes {TOKEN_FILE}, set AWS_TOKEN, or add another provider to the chain.",
    )


def into_the_group(path: Path) -> str:
    """Return the remedy for a process that has no permission to read the token."""
    return (
        f"Add the user of this process to the group that may read {path}: aws-wcp-token, or awssmatokenreader if the "
        "agent was installed before 2026. Then restart the process."
    )


def _read(path: Path, name: str) -> str:
    content = _read_if_there(path, name)
    if content is None:
        remedy = f"Check the path in AWS_TOKEN. {into_the_group(path)}"
        raise FetchFailed(f"{name}: the file of the agent's token, {path}, does not exist.", remedy=remedy)
    return content


def _read_if_there(path: Path, name: str) -> str | None:
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("ascii", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        kind = type(error).__name__
    remedy = into_the_group(path)
    raise FetchFailed(f"{name}: the agent's token in {path} cannot be read ({kind}).", remedy=remedy)


def _checked(token: str, name: str, where: str) -> str:
    # Checked before it goes into a header, because the error of http.client repeats a value that it refuses.
    token = token.strip()
    if not re.fullmatch(r"[!-~]+", token):
        raise FetchFailed(
            f"{name}: the agent's token in {where} is {'not valid' if token else 'empty'}.",
            remedy="Set a token of printable text without white space. The agent writes a new token when it starts.",
        )
    return token
