"""`Rotate`: what stops a run, what it is refused for, and what it says then."""

import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import (
    ApiKey,
    AWSSecretsManager,
    ConfigurationError,
    Env,
    File,
    GoogleSecretManager,
    PutConflict,
)
from genai_credentials.rotate import GoogleApiKeys, Rotate, RotatePlan, RotateReport, RotationFailed
from rotation import FIRST, KINDS, SECRET, Stage, failure

MARK, SUPERSEDED = "genai-credentials-secret", "genai-credentials-superseded"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


# What stops it


def test_an_unknown_key_stops_it_before_anything_is_minted(stage: Stage) -> None:
    stage.put_by_hand("AIzaSy-unknown-to-google-0000000000000")
    error = failure(stage.job("file"))
    assert not error.changed
    assert "apikeys.keys.lookup" in error.remedy
    assert stage.count("create") == 0


@pytest.mark.parametrize("key_id", [None, "same-id"])
def test_a_key_of_another_project_stops_it(tmp_path: Path, key_id: str | None) -> None:
    text = "AIzaSy-of-another-project-000000000000"
    with Stage(tmp_path, others={"other": "999"}) as stage:
        stage.keys.add(text, project_number="999", key_id=key_id)
        stage.keys.add("AIzaSy-of-ours", key_id=key_id)
        stage.put_by_hand(text)
        error = failure(stage.job("file", retire_after=0.0))
        assert "does not belong to the project" in error.message
        assert (stage.count("create"), stage.count("delete")) == (0, 0)


@pytest.mark.parametrize("state", ["deleted", "purged"])
def test_a_key_that_is_gone_is_replaced_and_nothing_is_retired(stage: Stage, state: str) -> None:
    days = {"deleted": 1, "purged": 31}[state]
    stage.keys.change(stage.first, deleted=datetime.now(UTC) - timedelta(days=days))
    report = stage.job("file", retire_after=0.0).run()
    assert report.minted
    assert (report.retired, report.left) == ((), ())
    assert (stage.count("delete"), stage.count("undelete")) == (0, 0)


def test_a_key_that_never_becomes_live_is_deleted_and_the_store_untouched(tmp_path: Path) -> None:
    with Stage(tmp_path, live_after=3600.0) as stage:
        error = failure(stage.job("google", prove_timeout=0.6))
        assert not error.changed
        assert "was not accepted" in error.message
        assert stage.stored("google") == FIRST
        assert stage.live() == [stage.first]
        assert len(stage.minted()) == 1


def test_after_a_key_that_was_given_up_the_next_one_has_the_next_id(tmp_path: Path) -> None:
    with Stage(tmp_path, live_after=3600.0) as stage:
        failure(stage.job("file", prove_timeout=0.6))
        assert str(stage.job("file").plan().mint).endswith("-2")


def test_a_refusal_starts_the_proof_again(stage: Stage) -> None:
    refused: list[int] = []

    def refuse_the_third(request: Any) -> None:
        if len(stage.api.requests) == 3:
            stage.api.answer_next(400, {"error": {"message": "API key not valid."}})
            refused.append(3)

    stage.api.on_request = refuse_the_third
    stage.job("file").run()
    assert [request.status for request in stage.api.requests] == [200, 200, 400, 200, 200, 200]


@pytest.mark.parametrize("status", [429, 503])
def test_an_answer_that_judges_nothing_does_not_start_the_proof_again(stage: Stage, status: int) -> None:
    def fail_the_third(request: Any) -> None:
        if len(stage.api.requests) == 3:
            stage.api.answer_next(status, {"error": {"code": status, "message": "later"}})

    stage.api.on_request = fail_the_third
    stage.job("file").run()
    assert [request.status for request in stage.api.requests] == [200, 200, status, 200]


def test_a_refusal_of_the_callers_place_counts_as_live(stage: Stage) -> None:
    body = {"error": {"status": "PERMISSION_DENIED", "details": [{"reason": "API_KEY_IP_ADDRESS_BLOCKED"}]}}
    stage.api.answer_next(403, body, times=3)
    assert stage.job("file").run().minted


def test_a_redirect_of_the_api_is_not_followed(stage: Stage) -> None:
    stage.api.redirect("/models", "http://192.0.2.1")
    error = failure(stage.job("file", prove_timeout=0.5))
    assert not error.changed


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_was_stored_by_hand_meanwhile_stays_and_the_new_one_is_deleted(stage: Stage, kind: str) -> None:
    other = "AIzaSy-stored-by-hand-meanwhile-00000000"
    stage.keys.add(other)
    stage.on_effect = lambda name: stage.put_by_hand(other) if name == "create" else None
    error = failure(stage.job(kind))
    assert not error.changed
    assert stage.stored(kind) == other
    assert [key for key in stage.minted() if key in stage.live()] == [list(stage.keys.keys)[1]]


def test_a_key_that_another_run_has_stored_is_not_deleted_by_a_run_that_gives_it_up(tmp_path: Path) -> None:
    with Stage(tmp_path, live_after=3600.0) as stage:
        stage.api.on_request = lambda request: stage.put_by_hand(stage.keys.text(stage.minted()[0]))
        error = failure(stage.job("google", prove_timeout=0.6))
        assert error.changed
        assert "continues from there" in error.remedy
        assert len(stage.live()) == 2
        assert stage.count("delete") == 0


def test_a_key_that_was_the_newest_for_a_moment_is_superseded_and_not_deleted(stage: Stage) -> None:
    other = "AIzaSy-stored-by-hand-a-moment-later-000"
    stage.keys.add(other)

    class Overtaken(GoogleSecretManager):
        def put(self, key: ApiKey | str) -> ApiKey:
            stored = super().put(key)
            stage.put_by_hand(other)
            raise PutConflict("Somebody else was faster.", stored=stored.version)

    store = Overtaken(SECRET, client=stage.google.client)
    error = failure(Rotate(store, stage.issuer(), base_url=stage.api.base_url, prove_for=0.0))
    assert error.changed
    assert stage.stored("google") == other
    new = stage.keys.keys[next(key for key in stage.minted() if key.startswith("gc-"))]
    assert SUPERSEDED in new["annotations"]
    assert "deleteTime" not in new


def test_a_store_that_cannot_be_written_is_gone_on_with(stage: Stage) -> None:
    stage.google.fail_always("PERMISSION_DENIED", method="AddSecretVersion")
    error = failure(stage.job("google"))
    assert error.changed
    assert "secretVersionAdder" in error.remedy
    assert "continues from there" in error.remedy
    stage.google.fail_always(None)
    report = stage.job("google").run()
    assert [report.minted] == stage.minted()
    assert stage.count("create") == 1
    assert stage.stored("google") == stage.keys.text(str(report.minted))


def test_an_answer_of_the_store_that_was_lost_is_no_failure(stage: Stage) -> None:
    stage.google.lose_next = True
    report = stage.job("google").run()
    assert stage.stored("google") == stage.keys.text(str(report.minted))


@pytest.mark.parametrize(
    "provider",
    [
        lambda stage: Env(),
        lambda stage: GoogleSecretManager(f"{SECRET}/versions/1", client=stage.google.client),
        lambda stage: pinned(stage),
        lambda stage: object(),
    ],
    ids=["env", "google pinned", "aws pinned", "no provider"],
)
def test_what_can_only_be_read_is_refused_at_once(stage: Stage, provider: Any) -> None:
    with pytest.raises(ConfigurationError):
        Rotate(provider(stage), stage.issuer())
    with pytest.raises(ConfigurationError):
        Rotate(stage.store("file"), stage.issuer(), also=[provider(stage)])
    assert stage.keys.methods == []


def pinned(stage: Stage) -> Any:

    return AWSSecretsManager("prod/gemini", stage="AWSPREVIOUS", client=stage.aws.client)


@pytest.mark.parametrize(
    "options",
    [
        {"retire_after": -1.0},
        {"prove_for": float("nan")},
        {"prove_timeout": 0.0},
        {"prove_for": 10.0, "prove_timeout": 5.0},
        {"min_age": "a day"},
        {"min_age": float("inf")},
        {"base_url": "http://gateway.example"},
        {"base_url": "gateway.example"},
    ],
)
def test_arguments_that_cannot_work_are_refused_at_once(stage: Stage, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Rotate(stage.store("file"), stage.issuer(), **options)


def test_the_environments_base_url_is_checked_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://gateway.example")
    with pytest.raises(ConfigurationError, match="plain http"):
        Rotate(stage.store("file"), stage.issuer())


@pytest.mark.parametrize("rotation_id", ["", "two words", "x" * 129, "a\nb", "AIzaSyA-0123456789"])
def test_a_rotations_id_is_checked(stage: Stage, rotation_id: str) -> None:
    with pytest.raises(ConfigurationError):
        stage.job("file").run(rotation_id)


# Errors


def test_an_error_can_be_pickled() -> None:

    error = RotationFailed("what", remedy="do", changed=True)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.message, copy.remedy, copy.changed) == ("what", "do", True)


def test_an_error_that_is_not_ours_is_neither_repeated_nor_chained(stage: Stage) -> None:
    class Bad(File):
        def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
            raise ValueError(FIRST)

    error = failure(Rotate(Bad(stage.path), stage.issuer()))
    assert "ValueError" in error.message
    assert error.changed


def test_the_names_of_the_contract() -> None:
    assert RotateReport._fields == ("minted", "fingerprint", "previous", "stored", "retired", "left")
    assert RotatePlan._fields[:2] == ("mint", "taken_up")
    assert GoogleApiKeys.__module__.startswith("genai_credentials.rotate")
