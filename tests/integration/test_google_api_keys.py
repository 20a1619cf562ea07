"""`GoogleApiKeys` over real HTTP against `FakeApiKeys`: paths, headers, pages, operations, quotas, refusals."""

import json
import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from genai_credentials import ApiKey
from genai_credentials.rotate import GoogleApiKeys, RotationFailed
from genai_credentials.rotate import rest as rest_module
from genai_credentials.testing import FakeApiKeys, FakeGemini
from genai_credentials.testing.conformance import everything_in

TEXT = "AIzaSy-made-by-hand-in-a-console-000000"


@pytest.fixture
def keys() -> Iterator[FakeApiKeys]:
    with FakeApiKeys() as keys:
        yield keys


@pytest.fixture
def issuer(keys: FakeApiKeys) -> GoogleApiKeys:
    return GoogleApiKeys("acme", base_url=keys.base_url, credentials=keys.credentials())


def key(text: str = TEXT) -> ApiKey:
    return ApiKey(text, provider="store")


def make(issuer: GoogleApiKeys, key_id: str = "gc-a-b") -> Any:
    return issuer.issue(key_id, like=None, annotations={"a": "b"}, label="a label")


# What is sent


def test_each_call_has_the_path_and_the_parameters_of_googles_reference(
    keys: FakeApiKeys, issuer: GoogleApiKeys
) -> None:
    first = keys.add(TEXT)
    made, _ = make(issuer)
    issuer.find(key())
    issuer.list()
    issuer.read(made.id)
    noted = issuer.note(made.id, {"c": "d"})
    issuer.retire(noted)
    issuer.restore(made.id)
    parent = "/v2/projects/acme/locations/global/keys"
    sent = [
        (request.method, request.path, parse_qs(request.query))
        for request in keys.requests
        if "/operations/" not in request.path
    ]
    own = f"{parent}/gc-a-b"
    assert sent == [
        ("POST", parent, {"keyId": ["gc-a-b"]}),
        ("GET", "/v2/keys:lookupKey", {"keyString": [TEXT]}),
        ("GET", f"{parent}/{first}", {}),
        ("GET", parent, {"pageSize": ["300"], "showDeleted": ["true"]}),
        ("GET", f"{own}/keyString", {}),
        ("GET", own, {}),
        ("PATCH", own, {"updateMask": ["annotations"]}),
        ("DELETE", own, {"etag": [noted.etag]}),
        ("POST", f"{own}:undelete", {}),
        ("GET", own, {}),
    ]
    assert {request.header("x-goog-user-project") for request in keys.requests} == {"acme"}
    assert {request.header("authorization") for request in keys.requests} == {"Bearer fake-access-token"}


def test_the_body_of_a_new_key(keys: FakeApiKeys) -> None:
    account = "app@acme.iam.gserviceaccount.com"
    issuer = GoogleApiKeys("acme", base_url=keys.base_url, credentials=keys.credentials(), service_account=account)
    make(issuer)
    (request,) = [request for request in keys.requests if request.method == "POST"]
    assert json.loads(request.body) == {
        "displayName": "a label",
        "annotations": {"a": "b"},
        "restrictions": {"apiTargets": [{"service": "generativelanguage.googleapis.com"}]},
        "serviceAccountEmail": account,
    }


def test_a_patch_carries_all_annotations_and_the_etag(keys: FakeApiKeys, issuer: GoogleApiKeys) -> None:
    make(issuer)
    etag = keys.keys["gc-a-b"]["etag"]
    issuer.note("gc-a-b", {"c": "d"})
    (request,) = [request for request in keys.requests if request.method == "PATCH"]
    assert json.loads(request.body) == {"annotations": {"a": "b", "c": "d"}, "etag": etag}
    issuer.note("gc-a-b", {"a": None})
    assert keys.keys["gc-a-b"]["annotations"] == {"c": "d"}


def test_a_note_that_is_there_is_not_sent_again(keys: FakeApiKeys, issuer: GoogleApiKeys) -> None:
    make(issuer)
    issuer.note("gc-a-b", {"a": "b"})
    assert "patch" not in keys.methods


def test_a_note_of_somebody_else_in_between_is_kept(keys: FakeApiKeys, issuer: GoogleApiKeys) -> None:
    make(issuer)
    others = iter([{"a": "b", "other": "x"}])

    def change(method: str) -> None:
        if method == "patch" and (notes := next(others, None)):
            keys.change("gc-a-b", body={"annotations": notes})

    keys.on_call = change
    issuer.note("gc-a-b", {"c": "d"})
    assert keys.keys["gc-a-b"]["annotations"] == {"a": "b", "other": "x", "c": "d"}
    assert keys.methods.count("patch") == 2


def test_lists_have_pages(keys: FakeApiKeys, issuer: GoogleApiKeys) -> None:
    ids = {keys.add(f"AIzaSy-{number}") for number in range(301)}
    assert {one.id for one in issuer.list()} == ids
    assert keys.methods.count("list") == 2


def test_an_operation_is_asked_for_until_it_is_done() -> None:
    with FakeApiKeys(polls=4) as keys:
        issuer = GoogleApiKeys("acme", base_url=keys.base_url, credentials=keys.credentials())
        assert make(issuer).new
        assert keys.methods.count("operation") == 5


def test_an_operation_that_ends_badly_is_explained(keys: FakeApiKeys, issuer: GoogleApiKeys) -> None:
    keys.answer_operation_with({"error": {"code": 9, "message": "The organisation's policy forbids it."}})
    with pytest.raises(RotationFailed, match="organisation") as caught:
        make(issuer)
    assert "policy" in str(caught.value)


def test_the_key_that_has_an_id_already_is_taken_for_the_one_that_was_asked_for(
    keys: FakeApiKeys, issuer: GoogleApiKeys
) -> None:
    one, two = make(issuer), make(issuer)
    assert (one.new, two.new) == (True, False)
    assert one.key == two.key


def test_a_deleted_key_is_told_from_a_live_one(keys: FakeApiKeys, issuer: GoogleApiKeys) -> None:
    made = make(issuer).key
    issuer.retire(made)
    found = issuer.get(made.id)
    assert found is not None
    assert found.deleted is not None
    assert made.deleted is None
    assert issuer.restore(made.id).deleted is None
    assert issuer.get("gc-none") is None


def test_deleting_and_restoring_twice_is_no_failure(keys: FakeApiKeys, issuer: GoogleApiKeys) -> None:
    made = make(issuer).key
    issuer.retire(made)
    issuer.retire(made)
    issuer.restore(made.id)
    issuer.restore(made.id)


def test_a_key_that_somebody_has_changed_is_not_deleted(keys: FakeApiKeys, issuer: GoogleApiKeys) -> None:
    made = make(issuer).key
    issuer.note(made.id, {"c": "d"})
    with pytest.raises(RotationFailed, match="another run changes the same key"):
        issuer.retire(made)
    assert "deleteTime" not in keys.keys[made.id]


def test_times_of_nine_digits_are_read(keys: FakeApiKeys, issuer: GoogleApiKeys) -> None:
    made = make(issuer).key
    assert made.created is not None
    assert made.created.tzinfo is not None
    from genai_credentials.rotate.google_api_keys import _time

    assert str(_time("2026-11-27T10:00:00.123456789Z")) == "2026-11-27 10:00:00.123456+00:00"


# Quotas and failures that pass


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_call_that_fails_for_a_while_is_made_again(keys: FakeApiKeys, issuer: GoogleApiKeys, status: int) -> None:
    keys.fail_next(status, times=2)
    assert make(issuer).new
    assert keys.methods.count("create") == 3


def test_an_answer_to_a_creation_that_was_lost_mints_no_second_key(keys: FakeApiKeys, issuer: GoogleApiKeys) -> None:
    keys.lose_next("create")
    made = make(issuer)
    assert not made.new
    assert list(keys.keys) == [made.key.id]


def test_a_quota_that_stays_used_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_module, "QUOTA_PATIENCE", 1.0)
    with FakeApiKeys(quota={"writes": 1}) as keys:
        issuer = GoogleApiKeys("acme", base_url=keys.base_url, credentials=keys.credentials())
        make(issuer)
        with pytest.raises(RotationFailed, match="quota is used up") as caught:
            make(issuer, "gc-c-d")
        assert not caught.value.changed


def test_an_api_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, keys: FakeApiKeys) -> None:
    monkeypatch.setattr(rest_module, "TROUBLE_PATIENCE", 0.5)
    issuer = GoogleApiKeys("acme", base_url="http://127.0.0.1:9", credentials=keys.credentials())
    with pytest.raises(RotationFailed, match="no answer") as caught:
        issuer.find(key())
    assert TEXT not in everything_in(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


# Nothing of a key in a log


def test_no_log_of_the_libraries_below_shows_a_key(
    keys: FakeApiKeys, issuer: GoogleApiKeys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("google", "google.auth.transport.requests", "urllib3.connectionpool"):
        caplog.set_level(logging.DEBUG, logger=name)
    keys.add(TEXT)
    made = make(issuer).key
    issuer.find(key())
    text = issuer.read(made.id)
    with pytest.raises(RotationFailed):
        issuer.find(key("AIzaSy-that-nobody-knows-0000000000000"))
    shown = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    assert "keys:lookupKey" in shown
    for secret in (TEXT, text.get_secret_value(), "AIzaSy-that-nobody-knows"):
        assert secret not in shown


def test_importing_and_making_one_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    script = (
        "import sys\nfrom genai_credentials.rotate import GoogleApiKeys\nGoogleApiKeys('acme')\n"
        "print([name for name in ('google.auth', 'requests', 'boto3', 'httpx', 'grpc', 'google.genai') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_fake_waits_for_nothing_when_it_is_closed() -> None:
    began = time.monotonic()
    with FakeGemini() as api, FakeApiKeys(api, live_after=60.0, flaps_for=60.0) as keys:
        keys.add(TEXT)
    assert time.monotonic() - began < 5
