"""A rotation that is ended by `kill -9` after each of its outside effects, run again; and two rotations at once."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rotation import FIRST, KilledAt, Stage

EFFECTS = {
    ("google", 0.0): ["create", "store", "mark", "delete"],
    ("aws", 86_400.0): ["create", "stage", "store", "mark"],
    ("file", 0.0): ["create", "mark", "delete"],
}
"""What a rotation does outside of its process, in order, the last act excepted: after that one it is finished."""

CASES = [(kind, age, effect) for (kind, age), effects in EFFECTS.items() for effect in effects]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path, flaps_for=0.3) as stage:
        yield stage


@pytest.mark.parametrize(("kind", "retire_after"), EFFECTS, ids=str)
def test_these_are_all_the_effects(stage: Stage, kind: str, retire_after: float) -> None:
    seen: list[str] = []
    stage.on_effect = seen.append
    stage.job(kind, retire_after=retire_after).run()
    assert seen == [*EFFECTS[kind, retire_after], "finish"]


@pytest.mark.parametrize(("kind", "retire_after", "effect"), CASES, ids=lambda part: str(part))
def test_a_killed_run_is_gone_on_with(stage: Stage, kind: str, retire_after: float, effect: str) -> None:
    killed = KilledAt(stage, effect)
    killed.process = stage.process(kind, retire_after=retire_after)
    assert killed.seen.wait(120)
    assert killed.process.wait() == -9
    stage.on_effect = None

    again = stage.process(kind, retire_after=retire_after)
    assert again.wait() == 0, again.text
    (new,) = stage.minted()
    text = stage.keys.text(new)
    assert again.report["minted"] == new
    assert stage.stored(kind) == text
    assert stage.api.keys >= {text}
    # Retired once, and only after its time.
    assert stage.live() == ([new] if retire_after == 0 else [stage.first, new])
    assert succeeded(stage, "DELETE") == (1 if retire_after == 0 else 0)
    assert "genai-credentials-superseded" in stage.keys.keys[stage.first]["annotations"]
    assert list(stage.folder.glob("*")) == list(stage.folder.glob("key")) + list(stage.folder.glob("account.json"))


def succeeded(stage: Stage, method: str) -> int:
    return sum(request.method == method for request in stage.keys.requests)


def test_a_run_that_was_killed_after_its_last_act_had_finished(stage: Stage) -> None:
    killed = KilledAt(stage, "finish")
    killed.process = stage.process("google")
    assert killed.seen.wait(120)
    assert killed.process.wait() == -9
    stage.on_effect = None
    # So the same again would be another rotation, which a least age keeps away.
    assert stage.job("google", min_age=3600.0).plan().mint is None
    assert stage.job("google").plan().mint not in stage.minted()


def test_a_key_that_is_given_up_and_killed_meanwhile_is_taken_up(tmp_path: Path) -> None:
    with Stage(tmp_path, live_after=1.5) as stage:
        process = stage.process("file", prove_timeout=30.0)
        stage.api.wait_for_requests(2, 60)
        process.kill()
        assert process.wait() == -9
        assert stage.stored("file") == FIRST
        again = stage.process("file", prove_timeout=30.0)
        assert again.wait() == 0, again.text
        assert [again.report["minted"]] == stage.minted()


# Two at once


@pytest.mark.parametrize("kind", ["google", "aws", "file"])
def test_of_two_at_once_one_stores_and_the_other_says_so(tmp_path: Path, kind: str) -> None:
    with Stage(tmp_path, live_after=0.3) as stage:
        barrier = Together(stage)
        both = [stage.process(kind, prove_for=0.5, retire_after=0.0) for _ in range(2)]
        codes = [process.wait() for process in both]
        barrier.check()
        assert codes == [0, 0], [process.text for process in both]
        (new,) = stage.minted()
        assert stage.live() == [new]
        assert stage.stored(kind) == stage.keys.text(new)
        assert [process.report["minted"] for process in both] == [new, new]
        told = [process.text for process in both]
        assert all("which exists already" in text for text in told) is False
        assert any("which exists already" in text for text in told)
        assert any("already" in text for text in told)
        assert succeeded(stage, "DELETE") <= 2
        retired = [key for process in both for key in process.report["retired"]]
        assert retired.count(stage.first) >= 1


class Together:
    """Lets two processes past their look at the keys only together, as two machines that begin at the same moment."""

    def __init__(self, stage: Stage) -> None:
        self._waiting = 0
        stage.keys.on_call = self._hold

    def _hold(self, method: str) -> None:
        if method == "create":
            self._waiting += 1
            end = time.monotonic() + 60
            while self._waiting < 2 and time.monotonic() < end:
                time.sleep(0.01)

    def check(self) -> None:
        """Both came here: neither had seen what the other did."""
        assert self._waiting == 2


def test_a_run_that_gives_up_takes_the_key_from_another_one_which_says_so_at_once(tmp_path: Path) -> None:
    with Stage(tmp_path, live_after=3600.0) as stage:
        patient = stage.process("google", prove_timeout=300.0)
        stage.api.wait_for_requests(1, 60)
        began = time.monotonic()
        hasty = stage.process("google", prove_timeout=0.5)
        assert (hasty.wait(), patient.wait()) == (1, 1)
        assert time.monotonic() - began < 120
        assert "was deleted before it was proven" in patient.text
        assert stage.live() == [stage.first]
        assert stage.stored("google") == FIRST


def test_a_key_that_was_stored_and_is_deleted_by_a_run_that_gave_it_up_is_restored(tmp_path: Path) -> None:
    with Stage(tmp_path) as stage:

        def delete(name: str) -> None:
            if name == "store":
                stage.keys.change(stage.minted()[0], deleted=datetime.now(UTC))

        stage.on_effect = delete
        report = stage.job("google").run()
        assert report.minted in stage.live()
        assert stage.count("undelete") == 1
