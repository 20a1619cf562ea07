"""`Rotate`: what a run does, in one place and in several, and which keys it retires."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import ConfigurationError, Dotenv, File, GoogleSecretManager
from genai_credentials.key import fingerprint
from genai_credentials.rotate import Rotate, RotateReport
from rotation import FIRST, KINDS, SECRET, Stage, aged, failure

MARK, SUPERSEDED = "genai-credentials-secret", "genai-credentials-superseded"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


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


def test_a_latest_that_lags_is_not_taken_for_the_newest(stage: Stage) -> None:
    one = stage.job("google").run()
    stage.google.lag_latest(SECRET, 1)
    # From another machine, which has seen nothing yet.
    assert stage.job("google").plan().current == one.fingerprint
    two = stage.job("google").run()
    assert (two.previous, two.stored) == (one.fingerprint, "3")


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


# Retiring


def test_a_superseded_key_is_deleted_by_the_first_run_after_its_time(stage: Stage) -> None:
    stage.job("file").run()
    stage.keys.change(stage.first, body={"annotations": aged(stage, stage.first, days=2)})
    report = stage.job("file").run()
    assert report.retired == (stage.first,)
    assert report.left == (stage.minted()[0],)
    assert stage.first not in stage.live()


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


def test_a_key_that_is_put_back_just_before_its_deletion_is_left(stage: Stage) -> None:
    stage.job("file").run()
    stage.keys.change(stage.first, body={"annotations": aged(stage, stage.first, days=2)})

    def put_back(method: str) -> None:
        # The last call before a deletion: until then nothing tells of it.
        if method == "get" and "list" in stage.keys.methods[-1:]:
            stage.put_by_hand(FIRST)

    stage.keys.on_call = put_back
    report = stage.job("file", min_age=3600.0).run()
    assert (report.retired, report.left) == ((), (stage.first,))
    assert stage.count("delete") == 0


def test_the_time_since_which_a_key_is_superseded_stays(stage: Stage) -> None:
    """As another run has noted it that was begun at the same moment."""
    notes = {MARK: "12345678", SUPERSEDED: "2026-01-01T00:00:00+00:00"}

    def mark(name: str) -> None:
        if name == "create":
            stage.keys.change(stage.first, body={"annotations": notes})

    stage.on_effect = mark
    stage.job("file").run()
    assert stage.keys.keys[stage.first]["annotations"] == notes


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
