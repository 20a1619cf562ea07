"""The token of the proxy's clients. It is worthless elsewhere, and its file can be read by its owner only."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path

from genai_credentials.client.exchange import API_KEY_HEADER
from genai_credentials.errors import ConfigurationError
from genai_credentials.proxy.headers import AUTHORIZATION, Pairs, values
from genai_credentials.proxy.refusals import Refused
from genai_credentials.proxy.target import Target

SHORTEST = 16
PARAMETER = "key"

_BEARER = re.compile(r"(?i)bearer[ \t]+([^\s]+)[ \t]*")


class Token:
    """A secret that is compared and never shown.

    Args:
        text: The token.
    """

    def __init__(self, text: str) -> None:
        self._text = text.encode()

    @classmethod
    def random(cls) -> Token:
        """A new random token."""
        return cls(f"proxy-{secrets.token_urlsafe(32)}")

    @property
    def text(self) -> str:
        """The token's text, for its file and for a command's environment."""
        return self._text.decode()

    def matches(self, shown: str) -> bool:
        """Whether this text is the token. The comparison takes constant time."""
        return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), self._text)

    def signature(self, text: str) -> str:
        """The HMAC of a text. It shows that this proxy wrote the text."""
        return hmac.new(self._text, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()

    def check(self, pairs: Pairs, target: Target) -> bool:
        """Whether a request contains the token. False if it contains no credential at all.

        Args:
            pairs: The headers of the request.
            target: The target of the request.

        Raises:
            Refused: One of the three places for a credential holds another text.
        """
        shown = [*values(pairs, API_KEY_HEADER), *target.values(PARAMETER)]
        for value in values(pairs, AUTHORIZATION):
            bearer = _BEARER.fullmatch(value)
            shown.append(bearer[1] if bearer else "")
        # All values are compared, so the time does not depend on which one is wrong.
        if not all([self.matches(value) for value in shown]):  # noqa: C419
            raise wrong_token()
        return bool(shown)

    def __repr__(self) -> str:
        return "<Token>"


def wrong_token() -> Refused:
    """The answer to a request without the token, or with another one."""
    return Refused(
        401,
        "PROXY_TOKEN_REQUIRED",
        "This is the proxy of genai-credentials. It accepts its own token and no API key. Send the token in its token "
        f"file as {API_KEY_HEADER}, as Authorization: Bearer, or as ?key=, and send nothing else in these places.",
        {"WWW-Authenticate": 'Bearer realm="genai-credentials"'},
    )


def default_path(name: str) -> Path:
    """The path of the token file of this start, below XDG_STATE_HOME.

    Args:
        name: The port, or a name for the Unix socket.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    root = Path(state) if Path(state).is_absolute() else Path("~/.local/state").expanduser()
    return root / "genai-credentials" / f"proxy-{name}.token"


class TokenFile:
    """A file with the token of one start. It is removed when the proxy ends.

    Args:
        path: The path of the file. Missing directories are made.

    Raises:
        ConfigurationError: The file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.token = path, Token.random()
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(beside, self.token)
            beside.replace(path)
        except OSError as error:
            raise _unwritable(path, error) from None

    def remove(self) -> None:
        """Remove the file, unless another start has written its own token to it."""
        with contextlib.suppress(OSError):
            if self.path.read_text() == f"{self.token.text}\n":
                self.path.unlink()


def token_of(path: Path) -> Token:
    """The token in the user's file. If the file is missing, it is made with a new token.

    Args:
        path: The path of the file.

    Raises:
        ConfigurationError: The file cannot be read or written, is not a regular file, or has another mode than 0600. Or
            it holds no token of at least 16 characters.
    """
    try:
        _write(path, token := Token.random())
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    return token


def _write(path: Path, token: Token) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.write(f"{token.text}\n")


def _read(path: Path) -> Token:
    try:
        # O_NONBLOCK: opening a pipe without a writer would block.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), encoding="ascii", errors="replace") as file:
            about = os.fstat(file.fileno())
            text = file.read(4096).strip() if stat.S_ISREG(about.st_mode) else ""
    except OSError as error:
        raise ConfigurationError(
            f"The token file {path} cannot be read ({error.strerror}).",
            remedy="Let this user read it, or name another file.",
        ) from None
    if not stat.S_ISREG(about.st_mode):
        raise ConfigurationError(f"The token file {path} is not a regular file.", remedy="Name a regular file.")
    if (mode := stat.S_IMODE(about.st_mode)) != 0o600:
        raise ConfigurationError(
            f"The token file {path} has the mode {mode:04o}, not 0600.",
            remedy=f"Run: chmod 600 {path}",
        )
    if len(text) < SHORTEST or not re.fullmatch(r"[!-~]+", text):
        raise ConfigurationError(
            f"The token file {path} holds no token. A token has at least {SHORTEST} printable ASCII characters.",
            remedy="Remove the file. The proxy then makes a new token.",
        )
    return Token(text)


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"The token file {path} cannot be written ({error.strerror}).",
        remedy="Name another path with --token-file.",
    )
