"""The client's tests on each google-genai that is supported: `nox`, or one of them: `nox -s "sdk(oldest)"`."""

from pathlib import Path

import nox

# Each on another Python, so that no combination of old and new goes unseen for long.
VERSIONS = nox.parametrize(
    ("python", "version"),
    [("3.11", "1.65.0"), ("3.12", "2.*"), ("3.13", "3.*")],
    ids=["oldest", "newest-2", "newest-3"],
)
TESTS = [f"tests/integration/test_{name}.py" for name in ("client", "paths", "live", "travel", "environments")]

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["sdk", "sdk_without_aiohttp"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True


@nox.session
@VERSIONS
def sdk(session: nox.Session, version: str) -> None:
    """The client's tests on one google-genai, whose asynchronous side is on aiohttp."""
    install(session, version)
    session.run("pytest", "-q", *tests(session))


@nox.session
@VERSIONS
def sdk_without_aiohttp(session: nox.Session, version: str) -> None:
    """The same where aiohttp is not installed, so that the asynchronous side is on httpx."""
    install(session, version)
    # Not left out: it comes with the tests' other parts.
    uninstall = ("uv", "pip", "uninstall") if session.venv_backend == "uv" else ("pip", "uninstall", "-y")
    session.run(*uninstall, "aiohttp", external=session.venv_backend == "uv", silent=True)
    session.run("pytest", "-q", *tests(session))


def install(session: nox.Session, version: str) -> None:
    """This package and one google-genai; the newest of its kind, as the resolver has it."""
    session.install("-e", ".[all,test]", f"google-genai=={version}")
    session.run("python", "-c", "from google.genai import __version__; print('google-genai', __version__)")


def tests(session: nox.Session) -> list[str]:
    """What was asked for after `--`, else the client's tests, as far as they exist."""
    return session.posargs or [path for path in TESTS if Path(path).exists()]
