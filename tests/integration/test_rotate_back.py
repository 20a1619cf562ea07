"""`Rotate`: what a plan and the status say, the way back, and rotations with a name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from genai_credentials.key import fingerprint
from genai_credentials.rotate import RotateReport, RotationFailed
from rotation import FIRST, Stage, failure

MARK, SUPERSEDED = "genai-credentials-secret", "genai-credentials-superseded"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


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
    assert "a run after" in keys[1].next


def test_the_status_tells_of_a_key_that_waits_to_be_stored(stage: Stage) -> None:
    stage.google.fail_always("PERMISSION_DENIED", method="AddSecretVersion")
    failure(stage.job("google"))
    states = {key.state: key.next for key in stage.job("google").status()}
    assert states["minted"] == "the next run continues with it"


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
    assert "is not known, or it was purged" in error.message


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
