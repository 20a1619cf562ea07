"""What the frameworks' tests share. Each framework has an environment of its own: `nox -s frameworks`.

What is tested is what the page shows: the blocks of `docs/how-to/frameworks.md` that bear the framework's name, after
those without a name, which all of them go on from.
"""

import asyncio
import inspect
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from frameworks.page import COLUMNS, FRAMEWORKS, PAGE, WITHOUT_GENAI, note, shared, snippets
from genai_credentials.testing import FakeGemini, RotatingCredentials

ON_HTTPX = {"ag2", "litellm"}
"""Those to which a client of httpx is handed, whatever else is installed."""

GOOGLE = "https://generativelanguage.googleapis.com"

ONE_ROTATION = [("AIzaRotating-1", True), ("AIzaRotating-1", False), ("AIzaRotating-2", True)]
"""What the API saw: the first key let in, then refused, then the second one let in; nothing else was refused."""


def module_of(path: Path) -> str:
    """Which of `FRAMEWORKS` a test module is about."""
    return path.stem.removeprefix("test_")


def version_of(distribution: str) -> str | None:
    """Which version is installed; None where it isn't."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def asked_for(config: pytest.Config) -> bool:
    """Whether these tests are named on the command line: they are no part of a run of everything."""
    paths = (Path(argument.partition("::")[0]).resolve() for argument in config.args)
    return any(path.is_relative_to(Path(__file__).parent) for path in paths)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is not asked for, or not installed."""
    missing = version_of(FRAMEWORKS.get(module_of(collection_path), "pytest")) is None
    return True if missing or not asked_for(config) else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option; it is there where these tests are asked for."""
    parser.addoption("--write-frameworks", action="store_true", help="put what survived into docs/how-to/frameworks.md")


def pytest_configure(config: pytest.Config) -> None:
    """Not every warning is an error here: what a framework deprecates, or leaves open with its loop, is its own."""
    if asked_for(config):
        for line in ("ignore", "error:::genai_credentials"):
            config.addinivalue_line("filterwarnings", line)
        # For what is collected after the last test: pytest has read its lines for that by now.
        warnings.simplefilter("ignore")


@pytest.fixture
def shown(request: pytest.FixtureRequest, rotating_credentials: RotatingCredentials) -> Iterator[SimpleNamespace]:
    """The names that the page's blocks for this framework define, run as they stand against the fake API."""
    own = snippets(FRAMEWORKS[module_of(request.path)])
    assert own
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in (*shared(), *own):
        # Google's own address is the default everywhere but in OpenAI's clients, where it has to be named.
        exec(compile(block.replace(GOOGLE, rotating_credentials.api.base_url), str(PAGE), "exec"), names)
    yield SimpleNamespace(**names)
    names["client"].close()
    names["credentials"].close()


@pytest.fixture
def survives(
    rotating_credentials: RotatingCredentials, record_property: Callable[[str, object], None]
) -> Callable[..., list[Any]]:
    """Makes a call of what is `shown`, rotates, and makes it again; returns what each call did.

    A coroutine function is called twice on one event loop, then once more on another, unless `loops` is 1.
    """
    api, rotate = rotating_credentials.api, rotating_credentials.rotate

    def across(kind: str, call: Callable[[SimpleNamespace], Any], shown: SimpleNamespace, loops: int = 2) -> list[Any]:
        record_property("survived", kind)
        if inspect.iscoroutinefunction(call):
            returned = on_loops(loops, call, shown, rotate)
        else:
            returned = [call(shown), rotate(), call(shown)]
        assert fates(api) == ONE_ROTATION
        assert rotating_credentials.refused == 1
        assert shown.credentials.status().counters["fetches"] == 2
        return [answer for answer in returned if answer is not None]

    return across


@pytest.fixture
def survives_inside(
    rotating_credentials: RotatingCredentials, record_property: Callable[[str, object], None]
) -> Callable[..., Any]:
    """Makes one call with a tool that rotates once the model asks for it; returns what the call did."""

    def within(kind: str, call: Callable[[Callable[[], str]], Any], shown: SimpleNamespace) -> Any:
        record_property("survived", kind)

        def rotate() -> str:
            """Do what the model asks for."""
            rotating_credentials.rotate()
            return "rotated"

        returned = call(rotate)
        assert fates(rotating_credentials.api) == ONE_ROTATION
        assert shown.credentials.status().counters["fetches"] == 2
        return returned

    return within


def on_loops(loops: int, call: Callable[[Any], Any], shown: Any, rotate: Callable[[], None]) -> list[Any]:
    """What a coroutine function returns on one event loop before and after a rotation, and then on each further one."""
    with asyncio.Runner() as runner:
        returned = [runner.run(call(shown)), rotate(), runner.run(call(shown))]
    return returned + [asyncio.run(call(shown)) for _ in range(loops - 1)]


def fates(api: FakeGemini) -> list[tuple[str | None, bool]]:
    """Which key was let in and which refused, in order; what happened several times in a row once."""
    return [fate for fate, _ in groupby((request.key, (request.status or 0) < 400) for request in api.requests)]


@pytest.fixture
def failure(rotating_credentials: RotatingCredentials, shown: SimpleNamespace) -> Callable[..., Exception]:
    """Revokes the key without a new one and makes a call: the error that its caller then sees, after one request."""

    def of(call: Callable[[SimpleNamespace], Any]) -> Exception:
        rotating_credentials.api.revoke(rotating_credentials.key)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what the test compares
            call(shown)
        assert rotating_credentials.refused == 1
        return caught.value

    return of


@pytest.fixture
def answering(fake_gemini: FakeGemini) -> Callable[..., None]:
    """Makes the fake API answer the next requests that have a good key with these parts, one each."""

    def with_parts(*parts: dict[str, Any]) -> None:
        left = list(parts)

        def answer(request: Any) -> None:
            if request.key in fake_gemini.keys and left:
                content = {"role": "model", "parts": [left.pop(0)]}
                fake_gemini.answer_next(200, {"candidates": [{"content": content, "finishReason": "STOP"}]})

        fake_gemini.on_request = answer

    return with_parts


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Write the framework's row into the page, if that is asked for and all tests could be begun."""
    if not config.getoption("--write-frameworks", default=False) or terminalreporter.stats.get("error"):
        return
    survived: dict[str, bool] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            survived |= {kind: report.passed for name, kind in report.user_properties if name == "survived"}
    module = module_of(Path(config.args[0].partition("::")[0]))
    note(FRAMEWORKS[module], row_of(module, survived))


def row_of(module: str, survived: dict[str, bool]) -> list[str]:
    """A framework's cells: versions, what sends its asynchronous requests, and what survived."""
    marks = {kind: "✔" if well else "✘" for kind, well in survived.items()}
    also = ", ".join(f"{kind} {mark}" for kind, mark in marks.items() if kind not in COLUMNS)
    columns = [marks.get(kind, "–") for kind in COLUMNS]
    named = f"{FRAMEWORKS[module]} {version_of(FRAMEWORKS[module])}"
    genai = "–" if module in WITHOUT_GENAI else version_of("google-genai") or "–"
    return [named, genai, asynchronous_by(module, survived), *columns, also or "–", f"{datetime.now(UTC):%Y-%m-%d}"]


def asynchronous_by(module: str, survived: dict[str, bool]) -> str:
    """The package by which the framework sends its asynchronous requests here."""
    if not {"async", "async stream"} & survived.keys():
        return "–"
    if module in ON_HTTPX:
        return "httpx"
    if module in WITHOUT_GENAI:
        return "httpx2" if int((version_of("openai") or "0").partition(".")[0]) >= 3 else "httpx"
    if version_of("aiohttp"):
        return "aiohttp"
    return "httpx2" if int((version_of("google-genai") or "0").partition(".")[0]) >= 3 else "httpx"
