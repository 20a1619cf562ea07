"""Rotations that a machine sets off: the four steps of AWS, each twice and in any order; SECRET_ROTATE three times."""

import itertools
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import ConfigurationError
from genai_credentials.key import fingerprint
from genai_credentials.rotate import RotationFailed
from genai_credentials.rotate.aws_lambda import handler
from genai_credentials.rotate.secret_rotate import handle
from genai_credentials.testing.conformance import everything_in
from rotation import FIRST, NAME, SECRET, Stage

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PREFIX = "GENAI_CREDENTIALS_ROTATE_"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        for name, value in stage.environ().items():
            monkeypatch.setenv(name, value)
        configure(monkeypatch, URI=f"aws:{NAME}", PROJECT="acme", PROVE_FOR="0", PROVE_TIMEOUT="60")
        yield stage


def configure(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"{PREFIX}{name}", value)


# AWS


class Rotation:
    """One rotation as AWS makes it: the same token in each step."""

    def __init__(self, stage: Stage, token: str = "") -> None:
        self.stage, self.token = stage, token or str(uuid.uuid4())

    def __call__(self, step: str) -> Any:
        event = {"Step": step, "SecretId": self.stage.aws.arn(NAME), "ClientRequestToken": self.token}
        return handler(event, None)

    def all(self) -> Any:
        return [self(step) for step in STEPS][-1]


def stages(stage: Stage) -> dict[str, list[str]]:
    described = stage.aws.client().describe_secret(SecretId=NAME)
    labels: dict[str, list[str]] = described["VersionIdsToStages"]
    return labels


def test_the_four_steps_make_a_rotation(stage: Stage) -> None:
    rotation = Rotation(stage)
    assert rotation("createSecret") is None
    (new,) = stage.minted()
    assert stage.stored("aws") == FIRST
    assert stages(stage)[rotation.token] == ["AWSPENDING"]
    assert rotation("setSecret") is rotation("testSecret") is None
    report = rotation("finishSecret")
    assert report["minted"] == new
    assert report["previous"] == fingerprint(FIRST)
    assert report["left"] == (stage.first,)
    assert stage.stored("aws") == stage.keys.text(new)
    # AWS takes a version that is still pending for a rotation that is still under way.
    assert stages(stage)[rotation.token] == ["AWSCURRENT"]


REPEATED = [
    # Each step twice; a step that failed begins all four again; all again after the end.
    [step for step in STEPS for _ in range(2)],
    ["createSecret", *STEPS, *STEPS],
    ["createSecret", "setSecret", *STEPS, *STEPS],
    ["createSecret", "setSecret", "testSecret", *STEPS],
    [*STEPS, *STEPS],
    [*STEPS, "finishSecret", "createSecret", "testSecret", "setSecret", "finishSecret"],
]


@pytest.mark.parametrize("order", REPEATED, ids=lambda order: "-".join(step[:1] for step in order))
@pytest.mark.parametrize("retire_after", ["0", "86400"])
def test_steps_that_are_repeated_change_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, order: list[str], retire_after: str
) -> None:
    configure(monkeypatch, RETIRE_AFTER=retire_after)
    rotation = Rotation(stage)
    for step in order:
        rotation(step)
    (new,) = stage.minted()
    assert stage.stored("aws") == stage.keys.text(new)
    assert stage.live() == ([new] if retire_after == "0" else [stage.first, new])
    assert [labels for labels in stages(stage).values() if "AWSCURRENT" in labels] == [["AWSCURRENT"]]
    assert stage.count("create") == 1


def test_all_else_in_the_secret_is_kept(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    content = json.dumps({"user": "x", "api_key": FIRST, "n": [1, 2]}, indent=1)
    stage.aws.add(NAME, content)
    configure(monkeypatch, URI=f"aws:{NAME}#api_key")
    Rotation(stage).all()
    value = stage.aws.client().get_secret_value(SecretId=NAME)["SecretString"]
    assert value == content.replace(FIRST, stage.keys.text(stage.minted()[0]))


def test_the_next_rotation_retires_the_key_before(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    Rotation(stage).all()
    notes = stage.keys.keys[stage.first]["annotations"]
    old = {**notes, "genai-credentials-superseded": (datetime.now(UTC) - timedelta(days=2)).isoformat()}
    stage.keys.change(stage.first, body={"annotations": old})
    report = Rotation(stage).all()
    assert report["retired"] == (stage.first,)
    assert report["left"] == (stage.minted()[0],)


def test_a_key_that_is_not_accepted_stays_staged_for_the_next_try(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, PROVE_TIMEOUT="2")
    stage.keys.live_after = [3600.0]
    rotation = Rotation(stage)
    rotation("createSecret")
    with pytest.raises(RotationFailed, match="was not accepted"):
        rotation("testSecret")
    (new,) = stage.minted()
    assert new in stage.live()
    assert stage.stored("aws") == FIRST
    # AWS tries again, with the same token; or the next day with another one.
    stage.api.accept(stage.keys.text(new))
    again = Rotation(stage)
    assert again.all()["minted"] == new
    assert stage.count("create") == 1


def test_the_functions_time_ends_the_proof(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ending:
        def get_remaining_time_in_millis(self) -> int:
            return 15_500

    stage.keys.live_after = [3600.0]
    configure(monkeypatch, PROVE_TIMEOUT="600", PROVE_FOR="10")
    rotation = Rotation(stage)
    rotation("createSecret")
    event = {"Step": "testSecret", "SecretId": stage.aws.arn(NAME), "ClientRequestToken": rotation.token}
    with pytest.raises(RotationFailed, match="within 1 s"):
        handler(event, Ending())


def test_another_secret_is_left_alone(stage: Stage) -> None:
    stage.aws.add("prod/other", "AIza-of-somebody-else")
    for step in STEPS:
        event = {"Step": step, "SecretId": stage.aws.arn("prod/other"), "ClientRequestToken": str(uuid.uuid4())}
        with pytest.raises(RotationFailed, match="another secret") as caught:
            handler(event, None)
        assert not caught.value.changed
    assert stage.keys.methods == []


def test_a_step_before_its_time_is_told(stage: Stage) -> None:
    for step in ("testSecret", "finishSecret"):
        with pytest.raises(RotationFailed, match="no key is staged"):
            Rotation(stage)(step)
    assert stage.stored("aws") == FIRST


def test_a_pending_version_that_cannot_be_read_at_once_is_waited_for(stage: Stage) -> None:
    rotation = Rotation(stage)
    rotation("createSecret")
    stage.aws.fail_next("ResourceNotFoundException", times=1, action="GetSecretValue")
    rotation("testSecret")


def test_an_event_without_a_step_is_refused(stage: Stage) -> None:
    with pytest.raises(ConfigurationError, match="four steps"):
        Rotation(stage)("deleteEverything")


@pytest.mark.parametrize("event", [None, [], "createSecret", {}, {"Step": None}, {"Step": ["createSecret"]}])
def test_an_event_of_another_form_is_refused(stage: Stage, event: Any) -> None:
    with pytest.raises(ConfigurationError, match="four steps"):
        handler(event)


def test_a_uri_of_another_store_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, URI=f"file:{stage.path}")
    with pytest.raises(ConfigurationError, match="does not name a secret of AWS"):
        Rotation(stage)("createSecret")
    with pytest.raises(ConfigurationError, match="does not name a secret of Google"):
        handle({"eventType": "SECRET_ROTATE", "secretId": SECRET}, "1")


def test_the_errors_of_the_steps_hold_no_key(stage: Stage) -> None:
    stage.aws.fail_always("AccessDeniedException", action="PutSecretValue")
    with pytest.raises(RotationFailed) as caught:
        Rotation(stage)("createSecret")
    assert caught.value.changed
    text = stage.keys.text(stage.minted()[0])
    assert FIRST not in everything_in(caught.value)
    assert text not in everything_in(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_command_knows_the_keys_of_the_function(stage: Stage) -> None:
    Rotation(stage).all()
    keys = {key.id: key.state for key in stage.job("aws").status()}
    assert keys == {stage.first: "superseded", stage.minted()[0]: "serving"}
    assert stage.job("aws", retire_after=0.0, min_age=3600.0).run().retired == (stage.first,)


# Google


@pytest.fixture
def google(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    configure(monkeypatch, URI=f"google:{SECRET}")
    return stage


def message(secret_id: str = SECRET, event: str = "SECRET_ROTATE") -> dict[str, str]:
    return {"eventType": event, "secretId": secret_id, "dataFormat": "JSON_API_V1", "timestamp": "2026-11-27T10:00:00Z"}


def test_the_same_message_three_times_rotates_once(google: Stage) -> None:
    reports = [handle(message(), "8070") for _ in range(3)]
    assert all(report is not None for report in reports)
    (new,) = google.minted()
    assert [report.minted for report in reports if report] == [new, None, None]
    assert google.stored("google") == google.keys.text(new)
    assert google.keys.keys[new]["annotations"]["genai-credentials-rotation"] == "8070"
    assert handle(message(), "8071").minted  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("attributes", "message_id"), [(None, "1"), ([], "1"), (message(), None), (message(), 8070), (message(), "")]
)
def test_a_message_of_another_form_changes_nothing(google: Stage, attributes: Any, message_id: Any) -> None:
    with pytest.raises(ConfigurationError):
        handle(attributes, message_id)
    assert google.minted() == []


def test_a_message_that_comes_again_goes_on_where_the_first_failed(google: Stage) -> None:
    google.google.fail_always("PERMISSION_DENIED", method="AddSecretVersion")
    with pytest.raises(RotationFailed) as caught:
        handle(message(), "8070")
    assert caught.value.changed
    google.google.fail_always(None)
    report = handle(message(), "8070")
    assert report is not None
    assert [report.minted] == google.minted()


@pytest.mark.parametrize("secret_id", [SECRET, SECRET.replace("acme", "123456789012")])
def test_the_secret_is_known_by_the_projects_id_and_its_number(google: Stage, secret_id: str) -> None:
    assert handle(message(secret_id), "1") is not None


@pytest.mark.parametrize(
    "attributes",
    [
        message("projects/acme/secrets/other"),
        message("projects/123456789012/secrets/other"),
        message(""),
        message(f"{SECRET}-2"),
        message(event="SECRET_VERSION_ADD"),
        {},
    ],
)
def test_other_messages_are_left_alone(google: Stage, attributes: dict[str, str]) -> None:
    assert handle(attributes, "1") is None
    assert google.keys.methods == []
    assert google.stored("google") == FIRST


def test_each_order_of_the_test_is_one_that_aws_may_use() -> None:
    # A step never comes before the one before it has been there once.
    for order in REPEATED:
        firsts = [order.index(step) for step in STEPS]
        assert firsts == sorted(firsts)
    assert len(list(itertools.chain(*REPEATED))) > 40
