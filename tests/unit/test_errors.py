"""Tests of the errors: their classes, their texts, and pickling."""

import pickle

import pytest

from genai_credentials import errors
from genai_credentials.errors import (
    Attempt,
    ConfigurationError,
    CredentialsError,
    FetchFailed,
    InvalidSecret,
    MissingDependency,
    NoCredentials,
    Unavailable,
)

KINDS = [
    CredentialsError,
    Unavailable,
    FetchFailed,
    InvalidSecret,
    MissingDependency,
    ConfigurationError,
    NoCredentials,
]
ATTEMPTS = (
    Attempt("env", "absent", Unavailable("GEMINI_API_KEY is unset.", remedy="Set it.")),
    Attempt("google:p", "broken", FetchFailed("google:p: denied.", remedy="Grant it.")),
    Attempt("file:k", "broken", FetchFailed("file:k: denied.", remedy="Grant it.")),
    Attempt("aws:p", "unasked"),
)


def test_the_tree() -> None:
    assert {kind: kind.__bases__ for kind in KINDS} == {
        CredentialsError: (Exception,),
        Unavailable: (CredentialsError,),
        FetchFailed: (CredentialsError,),
        InvalidSecret: (FetchFailed,),
        MissingDependency: (FetchFailed,),
        ConfigurationError: (CredentialsError, ValueError),
        NoCredentials: (CredentialsError,),
    }


def test_absent_is_never_broken() -> None:
    assert not issubclass(Unavailable, FetchFailed)
    assert not issubclass(FetchFailed, Unavailable)


def test_the_tree_is_drawn_whole_in_the_docstring() -> None:
    for kind in KINDS:
        assert f"{kind.__name__} " in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_remedy_is_always_text(kind: type[CredentialsError]) -> None:
    assert kind("It failed.").remedy == ""
    assert kind("It failed.", remedy="Mend it.").remedy == "Mend it."


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not NoCredentials])
def test_the_text_ends_with_the_remedy(kind: type[CredentialsError]) -> None:
    assert str(kind("It failed.")) == "It failed."
    assert str(kind("It failed.", remedy="Mend it.")) == "It failed. Mend it."


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_survives_a_pickle(kind: type[CredentialsError], protocol: int) -> None:
    before = kind("It failed.", remedy="Mend it.")
    after = pickle.loads(pickle.dumps(before, protocol))
    assert type(after) is kind
    assert (str(after), after.message, after.remedy) == (str(before), "It failed.", "Mend it.")


class TestNoCredentials:
    def test_reports_every_link_in_order(self) -> None:
        assert str(NoCredentials(attempts=ATTEMPTS)).splitlines() == [
            "No provider of the chain has an API key:",
            "  1. env: absent - GEMINI_API_KEY is unset. Set it.",
            "  2. google:p: broken - denied. Grant it.",
            "  3. file:k: broken - denied. Grant it.",
            "  4. aws:p: unasked",
        ]

    def test_its_remedy_is_every_links_once(self) -> None:
        assert NoCredentials(attempts=ATTEMPTS).remedy == "Set it. Grant it."

    def test_keeps_the_attempts_through_a_pickle(self) -> None:
        error = NoCredentials(attempts=list(ATTEMPTS))
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), again.remedy) == (str(error), error.remedy)
        assert [(a.provider, a.outcome, str(a.error)) for a in again.attempts] == [
            (a.provider, a.outcome, str(a.error)) for a in ATTEMPTS
        ]

    def test_what_is_said_outranks_what_is_made(self) -> None:
        error = NoCredentials("None.", remedy="Wait.", attempts=ATTEMPTS)
        assert (str(error), error.remedy, error.attempts) == ("None.", "Wait.", ATTEMPTS)
