"""Tests of Sentry's report of an error after a misplaced key: no frame of the package contains the key's text."""

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest

from genai_credentials import ApiKey, CredentialProvider, Dotenv, Env, File, ProviderChain
from genai_credentials.uris import settings
from kept_by_sentry import frames_of, holds, reporting
from misplaced import KEY, PLACES, WRAPPINGS, ours

Reported = Callable[[Callable[[], object]], list[dict[str, Any]]]

UNUSUAL = "gateway-token-0f1e2d3c4b5a6978"
"""A key that none can tell from a name by its shape."""


class Settings(pydantic.BaseModel):
    credentials: CredentialProvider


@pytest.fixture
def reported() -> Iterator[Reported]:
    """Return a function that runs another one, and returns the package's stack frames that Sentry would send."""
    with reporting(event_scrubber=None) as report:

        def run(function: Callable[[], object]) -> list[dict[str, Any]]:
            try:
                function()
            except Exception as error:
                return frames_of(report(error))
            return []

        yield run


def held(text: str) -> Callable[[Callable[[str], object]], Callable[[], object]]:
    """Calls with a text as an argument. Their own frame contains the text."""
    return lambda call: lambda: call(text)


BROKEN = [
    f"{KEY} x",
    f"{KEY}\n{KEY}",
    f"{KEY},{KEY}",
    f"Bearer {KEY}",
    f'["{KEY}"]',
    f'{{"k": "{KEY}"}}',
    f"{KEY}\u200b",
]
BROKEN += [f"{KEY}\x00", f"GEMINI_API_KEY={KEY}", KEY * 200, f"{KEY}é"]

ELSEWHERE: dict[str, Callable[[str], object]] = {
    "from_uris": CredentialProvider.from_uris,
    "from_uris, the second": lambda text: CredentialProvider.from_uris("env:", text),
    "from_environment": lambda text: CredentialProvider.from_environment({"GENAI_CREDENTIALS": text}),
    "a duration": lambda text: CredentialProvider.from_environment({"GENAI_CREDENTIALS_TTL": text}),
    "settings": lambda text: settings({"GENAI_CREDENTIALS_TTL": text}),
    "a provider": lambda text: CredentialProvider(text),  # type: ignore[arg-type]
    "a link": lambda text: ProviderChain(text),  # type: ignore[arg-type]
    "max_stale": lambda text: CredentialProvider(Env(), max_stale=text),  # type: ignore[arg-type]
    "an argument that there isn't": lambda text: CredentialProvider(Env(), api_key=text),  # type: ignore[call-arg]
    "an argument of Env": lambda text: Env(api_key=text),  # type: ignore[call-arg]
    "reject": lambda text: ours().reject(text),  # type: ignore[arg-type]
    "areject": lambda text: asyncio.run(ours().areject(text)),  # type: ignore[arg-type]
    "accept": lambda text: ours().accept(text),  # type: ignore[arg-type]
    "notify": lambda text: ours().notify(within=text),  # type: ignore[arg-type]
    "client's api_key": lambda text: ours().client(api_key=text),  # type: ignore[call-arg]
    "client's project": lambda text: ours().client(project=text),
    "client's headers": lambda text: ours().client(http_options={"headers": {"x-goog-api-key": text}}),
    "client's options": lambda text: ours().client(http_options={"key": text}),  # type: ignore[typeddict-unknown-key]
    "an option that there isn't": lambda text: ours().client(key=text),  # type: ignore[call-arg]
    "options' headers": lambda text: ours().http_options(headers={"X-Goog-Api-Key": text}),
    "a field of pydantic": lambda text: Settings(credentials=text),  # type: ignore[arg-type]
    "a key's time": lambda text: ApiKey(text, provider="mine", fetched_at=text),  # type: ignore[arg-type]
}


def leaking(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [frame for frame in frames if holds(frame, KEY[4:]) or holds(frame, UNUSUAL[4:])]


def test_sentry_sends_the_variables_of_a_frame(reported: Reported) -> None:
    def misuse(text: str) -> None:
        namespace: dict[str, Any] = {"__name__": "genai_credentials.planted"}
        exec("def fail(text): raise ValueError", namespace)
        namespace["fail"](text)

    assert len(leaking(reported(held(KEY)(misuse)))) == 1


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("place", PLACES)
def test_no_frame_of_ours_holds_a_key_in_the_wrong_place(place: str, wrapping: str, reported: Reported) -> None:
    frames = reported(held(wrapping.format(KEY))(PLACES[place]))
    assert frames
    assert leaking(frames) == []


@pytest.mark.parametrize("text", [KEY, UNUSUAL], ids=["a key", "an unusual one"])
@pytest.mark.parametrize("place", ELSEWHERE)
def test_no_frame_of_ours_holds_what_was_passed_elsewhere(place: str, text: str, reported: Reported) -> None:
    frames = reported(held(text)(ELSEWHERE[place]))
    assert frames or text is UNUSUAL
    assert leaking(frames) == []


def test_no_frame_of_ours_holds_the_environment(reported: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy() | {"GENAI_CREDENTIALS": KEY, "GEMINI_API_KEY": KEY})
    frames = reported(CredentialProvider.from_environment)
    assert frames
    assert leaking(frames) == []


@pytest.mark.parametrize("text", BROKEN)
def test_no_frame_of_ours_holds_a_text_that_is_no_key(text: str, reported: Reported, tmp_path: Any) -> None:
    path = tmp_path / "key"
    path.write_text(text, encoding="utf-8")
    (tmp_path / ".env").write_text(f"GEMINI_API_KEY='{text}'\n", encoding="utf-8")
    calls: dict[str, Callable[[], object]] = {
        "a key": lambda: ApiKey(text, provider="mine"),
        "a function": CredentialProvider(lambda: text).get,
        "the environment": CredentialProvider(Env(environ={"GEMINI_API_KEY": text})).get,
        "a file": CredentialProvider(File(path)).get,
        "a file, bare": File(path).fetch,
        "a field": File(path, "api_key").fetch,
        "a .env file": CredentialProvider(Dotenv(tmp_path / ".env")).get,
        "put": lambda: File(tmp_path / "new").put(text),
    }
    for call in calls.values():
        assert leaking(reported(call)) == []
