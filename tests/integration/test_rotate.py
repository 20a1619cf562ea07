"""`Rotate`: what a run does, what it takes up, what it refuses, and the way back."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import ApiKey, ConfigurationError, Dotenv, Env, File, GoogleSecretManager
from genai_credentials.key import fingerprint
from genai_credentials.rotate import GoogleApiKeys, Rotate, RotatePlan, RotateReport, RotationFailed
from genai_credentials.testing.conformance import everything_in
from rotation import FIRST, KINDS, SECRET, Stage

MARK, SUPERSEDED = "genai-credentials-secret", "genai-credentials-superseded"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def failure(job: Rotate, act: str = "run") -> RotationFailed:
    with pytest.raises(RotationFailed) as caught:
        getattr(job, act)()
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert FIRST not in everything_in(caught.value)
    return caught.value


# A run


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_made_proven_stored_and_the_old_one_marked(stage: Stage, kind: str) -> None:
    report = stage.job(kind).run()
    (new,) = stage.minted()
    assert new.startswith("gc-")
    assert new.endswith(f"-{fingerprint(FIRST)}")
    text = stage.keys.text(new)
    version = {"file": None, "google": "2"}.get(kind, report.stored)
    assert report == RotateReport(new, fingerprint(text), fingerprint(FIRST), version, (), (stage.first,))
    assert stage.stored(kind) == text
    assert set(stage.live()) == {stage.first, new}
    assert SUPERSEDED in stage.keys.keys[stage.first]["annotations"]
    accepted = [request for request in stage.api.requests if request.key == text and request.status == 200]
    assert len(accepted) == 3


def test_each_proof_is_on_a_fresh_connection(stage: Stage) -> None:
    stage.job("file").run()
    assert stage.api.connections == len(stage.api.requests) == 3


def test_the_new_key_has_the_old_ones_restrictions_and_account(stage: Stage) -> None:
    restrictions = {"serverKeyRestrictions": {"allowedIps": ["192.0.2.1"]}, "apiTargets": [{"service": "x.example"}]}
    account = "app@acme.iam.gserviceaccount.com"
    stage.keys.change(stage.first, body={"restrictions": restrictions, "serviceAccountEmail": account})
    report = stage.job("file").run()
    new = stage.keys.keys[str(report.minted)]
    assert (new["restrictions"], new["serviceAccountEmail"]) == (restrictions, account)


def test_a_key_without_a_target_gets_the_gemini_api(stage: Stage) -> None:
    report = stage.job("file").run()
    targets = stage.keys.keys[str(report.minted)]["restrictions"]
    assert targets == {"apiTargets": [{"service": "generativelanguage.googleapis.com"}]}


def test_a_service_account_that_is_named_outranks_the_old_keys(stage: Stage) -> None:
    account = "other@acme.iam.gserviceaccount.com"
    issuer = stage.issuer(service_account=account)
    report = Rotate(stage.store("file"), issuer, base_url=stage.api.base_url, prove_for=0.0).run()
    assert stage.keys.keys[str(report.minted)]["serviceAccountEmail"] == account
    assert stage.keys.text(str(report.minted)).startswith("AQ.")


def test_the_notes_of_others_are_kept(stage: Stage) -> None:
    stage.keys.change(stage.first, body={"annotations": {"owner": "team-a"}})
    stage.job("file").run()
    assert stage.keys.keys[stage.first]["annotations"]["owner"] == "team-a"


def test_a_finished_rotation_run_again_rotates_again(stage: Stage) -> None:
    one, two = stage.job("google").run(), stage.job("google").run()
    assert two.previous == one.fingerprint
    assert stage.minted() == [one.minted, two.minted]
    assert two.left == (stage.first, one.minted)


def test_the_id_does_not_depend_on_how_the_secret_is_written(stage: Stage) -> None:
    by_number = GoogleSecretManager(SECRET.replace("acme", "123456789012"), client=stage.google.client)
    mint = Rotate(by_number, stage.issuer(), base_url=stage.api.base_url).plan().mint
    assert mint == stage.job("google").plan().mint
    assert mint != stage.job("file").plan().mint


def test_a_relative_path_is_the_same_place(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stage.folder)
    relative = Rotate(File("key"), stage.issuer(), base_url=stage.api.base_url)
    assert relative.plan().mint == stage.job("file").plan().mint


@pytest.mark.parametrize(
    ("name", "content", "provider"),
    [
        (".env", f"# ours\nA=1\nGEMINI_API_KEY={FIRST}  # the key\nB=2\n", lambda path: Dotenv(path)),
        ("key.json", json.dumps({"a": 1, "api_key": FIRST, "z": [2]}, indent=3), lambda path: File(path, "api_key")),
    ],
)
def test_all_beside_the_key_stays(stage: Stage, name: str, content: str, provider: Any) -> None:
    path = stage.folder / name
    path.write_text(content)
    path.chmod(0o640)
    report = Rotate(provider(path), stage.issuer(), base_url=stage.api.base_url, prove_for=0.0).run()
    assert path.read_text() == content.replace(FIRST, stage.keys.text(str(report.minted)))
    assert path.stat().st_mode & 0o777 == 0o640


def test_progress_is_told_and_holds_no_key(stage: Stage) -> None:
    told: list[str] = []
    report = stage.job("google", on_progress=told.append, retire_after=0.0).run()
    for word in ("Making", "Proving", "is live", "Storing", "Marking", "Deleting"):
        assert any(word in text for text in told), word
    assert FIRST not in "".join(told)
    assert stage.keys.text(str(report.minted)) not in "".join(told)


# Retiring


def test_a_superseded_key_is_deleted_by_the_first_run_after_its_time(stage: Stage) -> None:
    stage.job("file").run()
    stage.keys.change(stage.first, body={"annotations": aged(stage, stage.first, days=2)})
    report = stage.job("file").run()
    assert report.retired == (stage.first,)
    assert report.left == (stage.minted()[0],)
    assert stage.first not in stage.live()


def aged(stage: Stage, key_id: str, **age: float) -> dict[str, str]:
    notes: dict[str, str] = stage.keys.keys[key_id]["annotations"]
    return {**notes, SUPERSEDED: (datetime.now(UTC) - timedelta(**age)).isoformat()}


def test_with_retire_after_0_the_old_key_is_deleted_in_the_same_run(stage: Stage) -> None:
    report = stage.job("aws", retire_after=0.0).run()
    assert report.retired == (stage.first,)
    assert stage.live() == [report.minted]
    assert "etag=" in next(one.query for one in stage.keys.requests if one.method == "DELETE")


def test_a_key_of_another_secret_is_not_touched(stage: Stage) -> None:
    other = stage.keys.add(
        "AIzaSy-of-somebody-else", annotations={MARK: "00000000", SUPERSEDED: "2020-01-01T00:00:00Z"}
    )
    plain = stage.keys.add("AIzaSy-of-nobody")
    stage.job("file", retire_after=0.0).run()
    assert {other, plain} <= set(stage.live())


def test_a_young_key_is_left_alone_and_old_ones_are_deleted_all_the_same(stage: Stage) -> None:
    first = stage.job("file").run()
    stage.keys.change(stage.first, body={"annotations": aged(stage, stage.first, days=2)})
    report = stage.job("file", min_age=3600.0).run()
    assert report == RotateReport(None, first.fingerprint, None, None, (stage.first,), ())
    assert len(stage.minted()) == 1


def test_an_old_key_is_rotated(stage: Stage) -> None:
    stage.keys.change(stage.first, created=datetime.now(UTC) - timedelta(days=91))
    assert stage.job("file", min_age=90 * 86_400.0).run().minted


def test_a_key_that_was_put_back_by_hand_is_never_deleted(stage: Stage) -> None:
    one = stage.job("google", retire_after=0.0, min_age=0.0).run()
    stage.keys.change(stage.first, deleted=None)
    stage.put_by_hand(FIRST)
    stage.api.accept(FIRST)
    report = stage.job("google", retire_after=0.0, min_age=0.1).run()
    # Its mark is taken off, and what came after it is superseded; it is old enough to be rotated as well.
    assert report.previous == fingerprint(FIRST)
    assert str(one.minted) in report.retired
    assert report.minted == f"{one.minted}-2"


def test_a_mark_on_the_current_key_is_cleared_and_its_successor_marked(stage: Stage) -> None:
    one = stage.job("file").run()
    stage.put_by_hand(FIRST)
    report = stage.job("file", min_age=3600.0).run()
    assert report.fingerprint == fingerprint(FIRST)
    assert SUPERSEDED not in stage.keys.keys[stage.first]["annotations"]
    assert SUPERSEDED in stage.keys.keys[str(one.minted)]["annotations"]
    assert set(stage.live()) == {stage.first, one.minted}


def test_a_key_that_comes_back_while_it_is_deleted_is_restored(stage: Stage) -> None:
    stage.job("file").run()
    stage.keys.change(stage.first, body={"annotations": aged(stage, stage.first, days=2)})
    stage.on_effect = lambda name: stage.put_by_hand(FIRST) if name == "delete" else None
    report = stage.job("file", min_age=3600.0).run()
    assert report.left == (stage.first,)
    assert report.retired == ()
    assert stage.first in stage.live()


def test_a_deletion_that_is_refused_does_not_keep_the_next_run_from_rotating(stage: Stage) -> None:
    stage.job("file").run()
    stage.keys.change(stage.first, body={"annotations": aged(stage, stage.first, days=2)})
    stage.keys.fail_next(403, method="delete")
    error = failure(stage.job("file"))
    assert error.changed
    assert "apikeys.keys.delete" in error.remedy
    assert stage.job("file").run().retired == (stage.first,)
    assert len(stage.minted()) == 3


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
        assert "another project" in error.message
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


def test_a_store_that_cannot_be_written_is_gone_on_with(stage: Stage) -> None:
    stage.google.fail_always("PERMISSION_DENIED", method="AddSecretVersion")
    error = failure(stage.job("google"))
    assert error.changed
    assert "secretVersionAdder" in error.remedy
    assert "goes on" in error.remedy
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
    from genai_credentials import AWSSecretsManager

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


# Several places


def test_all_places_are_written_before_anything_is_retired(stage: Stage) -> None:
    effects: list[str] = []
    stage.on_effect = effects.append
    job = stage.job("google", also=[stage.store("aws"), stage.store("file")], retire_after=0.0)
    report = job.run()
    text = stage.keys.text(str(report.minted))
    assert [stage.stored(kind) for kind in KINDS] == [text] * 3
    assert effects == ["create", "stage", "store", "store", "mark", "delete", "finish"]
    assert report.stored == "2"


def test_a_place_that_holds_another_key_stops_it(stage: Stage) -> None:
    other = "AIzaSy-another-key-in-the-other-place-00"
    stage.keys.add(other)
    stage.path.write_text(other)
    error = failure(stage.job("google", also=[stage.store("file")]))
    assert not error.changed
    assert stage.count("create") == 0


def test_a_run_that_was_interrupted_between_two_places_is_gone_on_with(stage: Stage) -> None:
    stage.google.fail_always("UNAVAILABLE", method="AddSecretVersion")
    job = stage.job("google", also=[stage.store("file")])
    assert failure(job).changed
    assert stage.stored("file") != FIRST
    stage.google.fail_always(None)
    report = job.run()
    assert stage.stored("google") == stage.stored("file") == stage.keys.text(str(report.minted))
    assert stage.minted() == [report.minted]


def test_the_same_place_twice_is_refused(stage: Stage) -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        stage.job("file", also=[stage.store("file")])


# Plan and status


def test_a_plan_names_what_a_run_would_do_and_changes_nothing(stage: Stage) -> None:
    job = stage.job("google", retire_after=0.0)
    effects: list[str] = []
    stage.on_effect = effects.append
    plan = job.plan()
    assert effects == []
    report = job.run()
    assert (plan.mint, plan.current, plan.retire) == (report.minted, fingerprint(FIRST), report.retired)
    assert plan.supersede == (stage.first,)
    assert plan.store == (stage.store("google").name,)


def test_the_status_lists_each_key_and_what_is_to_come(stage: Stage) -> None:
    one = stage.job("file", retire_after=0.0).run()
    two = stage.job("file").run()
    keys = stage.job("file").status()
    assert [(key.id, key.fingerprint, key.state) for key in keys] == [
        (stage.first, fingerprint(FIRST), "deleted"),
        (one.minted, one.fingerprint, "superseded"),
        (two.minted, two.fingerprint, "serving"),
    ]
    assert "restored until" in keys[0].next
    assert "deleted by a run after" in keys[1].next


def test_the_status_tells_of_a_key_that_waits_to_be_stored(stage: Stage) -> None:
    stage.google.fail_always("PERMISSION_DENIED", method="AddSecretVersion")
    failure(stage.job("google"))
    states = {key.state: key.next for key in stage.job("google").status()}
    assert states["minted"] == "the next run goes on with it"


# The way back


@pytest.mark.parametrize("retire_after", [0.0, 86_400.0])
def test_the_predecessor_serves_again_and_a_second_time_changes_nothing(stage: Stage, retire_after: float) -> None:
    one = stage.job("google", retire_after=retire_after).run()
    effects: list[str] = []
    report = stage.job("google").rollback()
    assert report == RotateReport(None, fingerprint(FIRST), one.fingerprint, "3", (), (one.minted,))
    assert stage.stored("google") == FIRST
    stage.on_effect = effects.append
    again = stage.job("google").rollback()
    assert (again.fingerprint, again.previous, effects) == (fingerprint(FIRST), None, [])
    assert SUPERSEDED not in stage.keys.keys[stage.first]["annotations"]
    assert SUPERSEDED in stage.keys.keys[str(one.minted)]["annotations"]


def test_after_the_way_back_a_run_mints_anew(stage: Stage) -> None:
    one = stage.job("file").run()
    stage.job("file").rollback()
    two = stage.job("file").run()
    assert two.minted == f"{one.minted}-2"
    assert two.previous == fingerprint(FIRST)


def test_a_rollback_that_was_interrupted_before_its_marks_is_brought_to_an_end(stage: Stage) -> None:
    one = stage.job("file").run()
    stage.keys.fail_next(403, method="patch", times=1)
    assert failure(stage.job("file"), "rollback").changed
    assert stage.stored("file") == FIRST
    report = stage.job("file").rollback()
    assert report.fingerprint == fingerprint(FIRST)
    assert SUPERSEDED in stage.keys.keys[str(one.minted)]["annotations"]
    assert SUPERSEDED not in stage.keys.keys[stage.first]["annotations"]


def test_a_key_that_was_never_stored_is_withdrawn(stage: Stage) -> None:
    stage.google.fail_always("PERMISSION_DENIED", method="AddSecretVersion")
    failure(stage.job("google"))
    stage.google.fail_always(None)
    report = stage.job("google").rollback()
    assert report.fingerprint == fingerprint(FIRST)
    assert report.left == tuple(stage.minted())
    assert str(stage.job("google").plan().mint).endswith("-2")


def test_a_predecessor_that_is_refused_is_deleted_again(stage: Stage) -> None:
    one = stage.job("file", retire_after=0.0).run()
    stage.keys.live_after = [3600.0]
    error = failure(stage.job("file", prove_timeout=0.5), "rollback")
    assert not error.changed
    assert stage.live() == [one.minted]
    assert stage.stored("file") == stage.keys.text(str(one.minted))


def test_without_a_predecessor_there_is_no_way_back(stage: Stage) -> None:
    error = failure(stage.job("file"), "rollback")
    assert not error.changed
    assert "no earlier key" in error.message


# Rotations with a name


def test_a_rotation_with_a_name_is_made_once(stage: Stage) -> None:
    reports = [stage.job("google").run("message-1") for _ in range(3)]
    assert [report.minted for report in reports] == [stage.minted()[0], None, None]
    assert len({report.fingerprint for report in reports}) == 1
    assert stage.job("google").run("message-2").minted
    assert stage.job("google").run("message-1").minted is None
    assert len(stage.minted()) == 2


def test_a_rotation_with_a_name_that_failed_is_tried_again(tmp_path: Path) -> None:
    with Stage(tmp_path, live_after=[3600.0]) as stage:
        failed = stage.job("file", prove_timeout=0.5)
        with pytest.raises(RotationFailed):
            failed.run("message-1")
        stage.keys.live_after = [0.0]
        assert str(stage.job("file").run("message-1").minted).endswith("-2")


# Errors


def test_an_error_can_be_pickled() -> None:
    import pickle

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
