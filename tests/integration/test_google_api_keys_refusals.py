"""`GoogleApiKeys`: what it says when it is refused, where it goes, and what it takes for a project."""

from collections.abc import Iterator
from typing import Any

import pytest

from genai_credentials import ApiKey, ConfigurationError
from genai_credentials.rotate import GoogleApiKeys, RotationFailed
from genai_credentials.rotate import rest as rest_module
from genai_credentials.rotate.issuer import IssuedKey
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


# Refusals


@pytest.mark.parametrize(
    ("act", "permission"),
    [
        (lambda issuer: issuer.find(key()), "apikeys.keys.lookup"),
        (lambda issuer: issuer.get("gc-a-b"), "apikeys.keys.get"),
        (lambda issuer: issuer.list(), "apikeys.keys.list"),
        (lambda issuer: make(issuer, "gc-new"), "apikeys.keys.create"),
        (lambda issuer: issuer.read("gc-a-b"), "apikeys.keys.getKeyString"),
        (lambda issuer: issuer.note("gc-a-b", {"x": "y"}), "apikeys.keys.update"),
        (lambda issuer: issuer.retire(issuer.get("gc-a-b")), "apikeys.keys.delete"),
        (lambda issuer: issuer.restore("gc-a-b"), "apikeys.keys.undelete"),
    ],
)
def test_a_refusal_names_the_permission_that_is_missing(
    keys: FakeApiKeys, issuer: GoogleApiKeys, act: Any, permission: str
) -> None:
    made = make(issuer).key
    keys.add(TEXT)
    if permission.endswith("undelete"):
        issuer.retire(made)
    method = {"getKeyString": "get_key_string", "update": "patch"}.get(
        permission.split(".")[2], permission.split(".")[2]
    )
    keys.fail_next(403, method=method, message=f"about {TEXT}")
    with pytest.raises(RotationFailed) as caught:
        act(issuer)
    assert f"Grant it {permission} " in caught.value.remedy
    assert "roles/serviceusage.apiKeysAdmin" in caught.value.remedy
    assert not caught.value.changed
    assert TEXT not in everything_in(caught.value)


def test_a_refusal_of_a_key_for_a_service_account_names_its_permission_too(
    keys: FakeApiKeys, issuer: GoogleApiKeys
) -> None:
    keys.fail_next(403, method="create")
    with pytest.raises(RotationFailed) as caught:
        make(issuer)
    assert "iam.serviceAccountApiKeyBindings.create" in caught.value.remedy


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("SERVICE_DISABLED", "gcloud services enable apikeys.googleapis.com"),
        ("USER_PROJECT_DENIED", "serviceusage.services.use"),
        ("CONSUMER_INVALID", "--project"),
        ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "cloud-platform"),
    ],
)
def test_a_refusal_with_a_reason_says_what_to_do(
    keys: FakeApiKeys, issuer: GoogleApiKeys, reason: str, word: str
) -> None:
    keys.fail_next(403, reason="PERMISSION_DENIED", details=[{"reason": reason}])
    with pytest.raises(RotationFailed) as caught:
        issuer.list()
    assert word in caught.value.remedy
    assert reason in caught.value.message


def test_a_call_that_may_have_changed_something_says_so(
    keys: FakeApiKeys, issuer: GoogleApiKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_module, "TROUBLE_PATIENCE", 0.1)
    keys.fail_next(500, times=9)
    with pytest.raises(RotationFailed) as caught:
        make(issuer)
    assert caught.value.changed
    with pytest.raises(RotationFailed) as caught:
        issuer.list()
    assert not caught.value.changed


@pytest.mark.parametrize(
    ("act", "refused", "lost"),
    [
        (make, "operation", ""),
        (lambda issuer: issuer.note("gc-there", {"x": "y"}), "operation", ""),
        (lambda issuer: make(issuer, "gc-there"), "get", ""),
        (lambda issuer: issuer.restore("gc-gone"), "get", ""),
        (lambda issuer: issuer.restore("gc-gone"), "get", "undelete"),
    ],
    ids=["made", "noted", "made before", "restored", "restored and the answer lost"],
)
def test_a_change_counts_as_one_if_its_end_cannot_be_read(
    keys: FakeApiKeys, issuer: GoogleApiKeys, act: Any, refused: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(issuer, "gc-there")
    make(issuer, "gc-gone")
    issuer.retire(IssuedKey("gc-gone"))
    monkeypatch.setattr(rest_module, "TROUBLE_PATIENCE", 0.0)
    keys.fail_next(403, method=refused)
    if lost:
        keys.lose_next(lost)
    with pytest.raises(RotationFailed) as caught:
        act(issuer)
    assert caught.value.changed


def test_a_redirect_is_not_followed(keys: FakeApiKeys) -> None:
    with FakeGemini() as elsewhere, FakeGemini() as api:
        api.redirect("/", elsewhere.base_url)
        issuer = GoogleApiKeys("acme", base_url=api.base_url, credentials=keys.credentials())
        with pytest.raises(RotationFailed):
            issuer.find(key())
        assert elsewhere.requests == []


@pytest.mark.parametrize("answer", ["not json", "[]", '{"keys": [{"name": 3}]}', "null"])
def test_an_answer_that_is_no_answer_is_no_crash(keys: FakeApiKeys, answer: str) -> None:
    with FakeGemini() as api:
        api.answer_next(200, answer)
        issuer = GoogleApiKeys("acme", base_url=api.base_url, credentials=keys.credentials())
        assert [one.id for one in issuer.list()] in ([], ["3"])


# Where it goes, and with what


@pytest.mark.parametrize("url", ["http://apikeys.example", "ftp://127.0.0.1", "127.0.0.1:80", "http://"])
def test_plain_http_is_for_this_machine_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError):
        GoogleApiKeys("acme", base_url=url)
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_APIKEYS", url)
    with pytest.raises(ConfigurationError):
        GoogleApiKeys("acme")


@pytest.mark.parametrize("end", ["", "/", "/v2/"])
def test_gclouds_variable_leads_elsewhere(keys: FakeApiKeys, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_APIKEYS", keys.base_url + end)
    assert GoogleApiKeys("acme", credentials=keys.credentials()).list() == []


def test_the_credentials_of_the_machine_are_used(
    keys: FakeApiKeys, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = keys.write_credentials(tmp_path / "account.json")
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    assert GoogleApiKeys("acme", base_url=keys.base_url).list() == []
    assert keys.requests[0].path == "/token"


def test_the_project_outranks_the_one_that_the_credentials_bring_along(keys: FakeApiKeys) -> None:
    credentials = keys.credentials().with_quota_project("somebody-elses")
    GoogleApiKeys("acme", base_url=keys.base_url, credentials=credentials).list()
    assert [request.header("x-goog-user-project") for request in keys.requests] == ["acme"]


@pytest.mark.usefixtures("no_google")
def test_a_machine_without_credentials_is_told_what_to_do(keys: FakeApiKeys) -> None:
    with pytest.raises(RotationFailed, match="no Google credentials on this machine") as caught:
        GoogleApiKeys("acme", base_url=keys.base_url).list()
    assert "gcloud auth application-default login" in caught.value.remedy
    assert not caught.value.changed


def test_a_proxy_of_the_environment_is_not_asked_to_reach_this_machine(
    keys: FakeApiKeys, issuer: GoogleApiKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert issuer.list() == []


@pytest.mark.parametrize("project", ["", "Acme", "a b", "acme/../x", "AIzaSyA-0123456789", 3, None])
def test_what_is_no_project_is_refused(project: Any) -> None:
    with pytest.raises(ConfigurationError):
        GoogleApiKeys(project)


@pytest.mark.parametrize("project", ["acme", "acme-prod-1", "example.com:acme-prod", "123456789012"])
def test_what_is_a_project_is_taken(project: str) -> None:
    assert GoogleApiKeys(project).name == f"apikeys:{project}"


@pytest.mark.parametrize("account", ["nobody", "a b@c", "AIzaSyA-0123456789"])
def test_what_is_no_account_is_refused(account: str) -> None:
    with pytest.raises(ConfigurationError):
        GoogleApiKeys("acme", service_account=account)
