"""The client's tests on each google-genai that is supported: `nox`, or one of them: `nox -s "sdk(oldest)"`.

And a rotation through each framework: `nox -s frameworks`, or one of them: `nox -s "frameworks(adk)"`.
"""

from pathlib import Path

import nox

# Each on another Python, so that no combination of old and new goes unseen for long.
VERSIONS = nox.parametrize(
    ("python", "version"),
    [("3.11", "1.65.0"), ("3.12", "2.*"), ("3.13", "3.*")],
    ids=["oldest", "newest-2", "newest-3"],
)
# What each module of tests/frameworks needs: the newest, with whatever google-genai it asks for.
FRAMEWORKS = {
    "adk": ["google-adk"],
    "ag2": ["ag2[gemini]"],
    "agno": ["agno[google]"],
    "autogen": ["autogen-ext[openai]"],
    "browser_use": ["browser-use"],
    "crewai": ["crewai[google-genai]"],
    "deepeval": ["deepeval", "google-genai"],
    "dspy": ["dspy"],
    "guidance": ["guidance[openai]"],
    "haystack": ["google-genai-haystack"],
    "instructor": ["instructor[google-genai]"],
    "langchain": ["langchain-google-genai"],
    "langgraph": ["langgraph", "langchain-google-genai"],
    "litellm": ["litellm"],
    "llama_index": ["llama-index-llms-google-genai", "llama-index-embeddings-google-genai"],
    "mem0": ["mem0ai", "google-genai"],
    "openai": ["openai"],
    "openai_agents": ["openai-agents"],
    "outlines": ["outlines[gemini]"],
    "pydantic_ai": ["pydantic-ai-slim[google]"],
    "semantic_kernel": ["semantic-kernel[google]"],
    "smolagents": ["smolagents[openai]"],
    "strands": ["strands-agents[gemini]"],
}
# Those whose asynchronous requests google-genai sends, by way of aiohttp where it is installed.
ON_EITHER = {"adk", "agno", "browser_use", "crewai", "deepeval", "langchain", "llama_index", "pydantic_ai", "strands"}
TESTS = [
    f"tests/integration/test_{name}.py"
    for name in ("client", "paths", "live", "travel", "environments", "proxies", "client_options", "one_policy")
]

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


@nox.session(reuse_venv=False)
@nox.parametrize("framework", list(FRAMEWORKS), ids=list(FRAMEWORKS))
def frameworks(session: nox.Session, framework: str) -> None:
    """A rotation through one framework; `-- --write-frameworks` puts what was seen into the page."""
    tests = ("pytest", "-q", f"tests/frameworks/test_{framework}.py", *session.posargs)
    session.install("-e", ".", "pytest>=8.2", "trustme>=1.1", *FRAMEWORKS[framework])
    show_versions(session)
    session.run(*tests)
    # The asynchronous side takes another way where aiohttp is installed, as it is beside many of them.
    if framework in ON_EITHER and not is_installed(session, "aiohttp"):
        session.install("aiohttp>=3.12")
        session.run(*tests)


def is_installed(session: nox.Session, module: str) -> bool:
    """Whether the session's Python finds a module."""
    code = f"from importlib.util import find_spec; print(find_spec({module!r}) is not None)"
    return str(session.run("python", "-c", code, silent=True)).strip() == "True"


def show_versions(session: nox.Session) -> None:
    """Say what the resolver chose."""
    external = session.venv_backend == "uv"
    session.run(*(("uv", "pip", "freeze") if external else ("pip", "freeze")), external=external)


def install(session: nox.Session, version: str) -> None:
    """This package and one google-genai; the newest of its kind, as the resolver has it."""
    session.install("-e", ".[all,test]", f"google-genai=={version}")
    session.run("python", "-c", "from google.genai import __version__; print('google-genai', __version__)")


def tests(session: nox.Session) -> list[str]:
    """What was asked for after `--`, else the client's tests, as far as they exist."""
    return session.posargs or [path for path in TESTS if Path(path).exists()]
