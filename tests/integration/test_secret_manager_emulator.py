"""The Secret Manager emulator as Google documents the service, asked by stock clients over gRPC and REST."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions as google_errors
from google.cloud import secretmanager_v1 as sm
from google.protobuf.duration_pb2 import Duration

from genai_credentials.testing import SecretManagerEmulator

PROJECT = "projects/acme"
SECRET = f"{PROJECT}/secrets/gemini"
REGIONAL = f"{PROJECT}/locations/europe-west1/secrets/gemini"
EVERYWHERE = {"automatic": {}}


@pytest.fixture(params=["grpc", "rest"])
def client(request: pytest.FixtureRequest, secret_manager: SecretManagerEmulator) -> Any:
    return secret_manager.client() if request.param == "grpc" else secret_manager.rest_client()


@pytest.fixture
def create(client: Any) -> Callable[..., sm.Secret]:
    def make(secret_id: str = "gemini", parent: str = PROJECT, **fields: Any) -> sm.Secret:
        secret = {"replication": EVERYWHERE, **fields}
        made: sm.Secret = client.create_secret(request={"parent": parent, "secret_id": secret_id, "secret": secret})
        return made

    return make


def update(client: Any, paths: list[str], **fields: Any) -> sm.Secret:
    updated: sm.Secret = client.update_secret(
        request={"secret": {"name": SECRET, **fields}, "update_mask": {"paths": paths}}
    )
    return updated


def add(client: Any, data: bytes = b"AIza-x") -> sm.SecretVersion:
    added: sm.SecretVersion = client.add_secret_version(request={"parent": SECRET, "payload": {"data": data}})
    return added


class TestSecrets:
    def test_what_was_sent_is_kept(self, client: Any, create: Callable[..., sm.Secret]) -> None:
        replicas = {"user_managed": {"replicas": [{"location": "us-east1"}, {"location": "us-west1"}]}}
        topics = [{"name": "projects/acme/topics/t"}]
        made = create(replication=replicas, labels={"a": "b"}, annotations={"c": "d"}, topics=topics)
        assert made == client.get_secret(name=SECRET)
        assert [one.location for one in made.replication.user_managed.replicas] == ["us-east1", "us-west1"]
        assert (dict(made.labels), dict(made.annotations), made.topics[0].name) == (
            {"a": "b"},
            {"c": "d"},
            topics[0]["name"],
        )
        status = add(client).replication_status
        assert [one.location for one in status.user_managed.replicas] == ["us-east1", "us-west1"]

    def test_a_time_to_live_becomes_a_time_to_expire(self, client: Any, create: Callable[..., sm.Secret]) -> None:
        made = create(ttl=Duration(seconds=300))
        assert "ttl" not in made
        assert timedelta(seconds=290) < made.expire_time - datetime.now(UTC) <= timedelta(seconds=300)
        assert "expire_time" not in update(client, ["expire_time"])
        assert "expire_time" in update(client, ["ttl"], ttl=Duration(seconds=60))

    def test_what_has_expired_is_gone(self, client: Any, create: Callable[..., sm.Secret]) -> None:
        create(ttl=Duration(nanos=200_000_000))
        add(client)
        time.sleep(0.25)
        assert list(client.list_secrets(parent=PROJECT)) == []
        with pytest.raises(google_errors.NotFound):
            client.get_secret(name=SECRET)
        create()

    @pytest.mark.parametrize(
        "fields",
        [
            {"replication": None},
            {"ttl": Duration(seconds=0)},
            {"expire_time": datetime(2020, 1, 1, tzinfo=UTC)},
            {"version_aliases": {"live": 1}},
        ],
    )
    def test_what_cannot_be_created(
        self, client: Any, create: Callable[..., sm.Secret], fields: dict[str, Any]
    ) -> None:
        with pytest.raises(google_errors.BadRequest):
            create(**fields)
        assert list(client.list_secrets(parent=PROJECT)) == []

    def test_a_regional_secret_needs_no_replication(self, client: Any, create: Callable[..., sm.Secret]) -> None:
        made = create(parent=f"{PROJECT}/locations/europe-west1", replication=None)
        assert made.name == REGIONAL
        assert "replication" not in made

    @pytest.mark.parametrize(
        "paths", [[], ["name"], ["replication"], ["create_time"], ["labels", "tags"], ["nonsense"]]
    )
    def test_what_cannot_be_changed(self, client: Any, create: Callable[..., sm.Secret], paths: list[str]) -> None:
        before = create(labels={"a": "b"})
        with pytest.raises(google_errors.BadRequest):
            update(client, paths, labels={"c": "d"})
        assert client.get_secret(name=SECRET) == before


class TestEtags:
    def test_each_change_makes_another_of_the_resource_it_changes(
        self, client: Any, create: Callable[..., sm.Secret]
    ) -> None:
        secret, version = create(), add(client)
        seen = {secret.etag, update(client, ["labels"]).etag, update(client, ["labels"]).etag}
        assert len(seen) == 3
        assert all(etag.startswith('"') and etag.endswith('"') and len(etag) > 2 for etag in seen)
        changed = [client.enable_secret_version(name=version.name).etag for _ in range(2)]
        assert len({version.etag, *changed}) == 3
        assert client.get_secret(name=SECRET).etag in seen
        assert client.get_secret_version(name=version.name).etag == changed[-1]

    def test_one_that_is_current_lets_a_change_through(self, client: Any, create: Callable[..., sm.Secret]) -> None:
        secret, version = create(), add(client)
        updated = update(client, ["labels"], etag=secret.etag, labels={"a": "b"})
        assert dict(updated.labels) == {"a": "b"}
        for change in ("disable_secret_version", "enable_secret_version", "destroy_secret_version"):
            version = getattr(client, change)(request={"name": version.name, "etag": version.etag})
        client.delete_secret(request={"name": SECRET, "etag": updated.etag})

    def test_an_old_one_refuses_it_and_nothing_is_changed(self, client: Any, create: Callable[..., sm.Secret]) -> None:
        secret, version = create(), add(client)
        now = (update(client, ["labels"]), client.enable_secret_version(name=version.name))
        for call in (
            lambda: update(client, ["labels"], etag=secret.etag, labels={"a": "b"}),
            lambda: client.disable_secret_version(request={"name": version.name, "etag": version.etag}),
            lambda: client.destroy_secret_version(request={"name": version.name, "etag": version.etag}),
            lambda: client.delete_secret(request={"name": SECRET, "etag": secret.etag}),
        ):
            with pytest.raises(google_errors.BadRequest, match="etag"):
                call()
        assert (client.get_secret(name=SECRET), client.get_secret_version(name=version.name)) == now


class TestVersions:
    def test_a_delay_comes_before_the_destruction(self, client: Any, create: Callable[..., sm.Secret]) -> None:
        create(version_destroy_ttl=Duration(nanos=400_000_000))
        name = add(client).name
        scheduled = client.destroy_secret_version(name=name)
        assert (scheduled.state.name, "destroy_time" in scheduled) == ("DISABLED", False)
        assert "scheduled_destroy_time" in scheduled
        assert client.enable_secret_version(name=name).state.name == "ENABLED"
        assert client.access_secret_version(name=name).payload.data == b"AIza-x"
        client.destroy_secret_version(name=name)
        time.sleep(0.45)
        assert client.get_secret_version(name=name).state.name == "DESTROYED"

    def test_without_a_delay_it_is_at_once(self, client: Any, create: Callable[..., sm.Secret]) -> None:
        create(version_destroy_ttl=Duration(seconds=86_400))
        assert update(client, ["version_destroy_ttl"]).version_destroy_ttl == timedelta(0)
        assert "destroy_time" in client.destroy_secret_version(name=add(client).name)

    def test_it_is_said_whether_a_checksum_was_sent(self, client: Any, create: Callable[..., sm.Secret]) -> None:
        create()
        checked = {"data": b"123456789", "data_crc32c": 0xE3069283}
        assert not add(client).client_specified_payload_checksum
        added = client.add_secret_version(request={"parent": SECRET, "payload": checked})
        assert added.client_specified_payload_checksum


class TestLists:
    @pytest.fixture
    def versions(self, secret_manager: SecretManagerEmulator) -> None:
        """Five of them: 1 enabled, 2 disabled, 3 destroyed, 4 and 5 enabled."""
        for number in range(5):
            secret_manager.add(SECRET, f"AIza-{number}")
        secret_manager.disable(SECRET, 2)
        secret_manager.destroy(SECRET, 3)

    @pytest.mark.parametrize(
        ("wanted", "numbers"),
        [
            ("state=ENABLED", "541"),
            ("state:ENABLED", "541"),
            ("state!=DESTROYED", "5421"),
            ("state:(DISABLED OR DESTROYED)", "32"),
            ("NOT state:ENABLED", "32"),
            ("-state:ENABLED", "32"),
            ("state=ENABLED AND name:versions/4", "4"),
            ("state=ENABLED name:versions/4", "4"),
            ("state=DISABLED OR state=DESTROYED AND name:3", "3"),
            ("(state=DISABLED OR state=DESTROYED) AND NOT name:3", "2"),
            ("destroy_time:*", "3"),
            ("create_time>2020-01-01T00:00:00Z", "54321"),
            ('create_time < "2020-01-01T00:00:00+01:00"', ""),
            ("create_time>=2020-01-01", "54321"),
            ("name:gemini*4", "4"),
            (f"name={SECRET}/versions/5", "5"),
        ],
    )
    def test_versions_take_a_filter(self, client: Any, versions: None, wanted: str, numbers: str) -> None:
        found = client.list_secret_versions(request={"parent": SECRET, "filter": wanted})
        assert "".join(version.name[-1] for version in found) == numbers
        assert found.total_size == 0

    @pytest.mark.parametrize(
        ("wanted", "ids"),
        [
            ("", "cba"),
            ("labels.env=prod", "a"),
            ("labels.env:pro", "a"),
            ("labels.env:*", "ba"),
            ("labels:env", "ba"),
            ("NOT labels.env:*", "c"),
            ("labels.env!=prod", "cb"),
            ("replication.user_managed.replicas.location:*", "c"),
            ("replication.user_managed.replicas.location=us-east1", "c"),
            ("replication.automatic:*", "ba"),
            ("name:secrets/b", "b"),
            ("expire_time:*", "b"),
            (f"create_time > {datetime(2020, 1, 1, tzinfo=UTC).isoformat()}", "cba"),
        ],
    )
    def test_secrets_take_a_filter_and_come_newest_first(
        self, client: Any, create: Callable[..., sm.Secret], wanted: str, ids: str
    ) -> None:
        create("a", labels={"env": "prod"})
        create("b", labels={"env": "test"}, ttl=Duration(seconds=300))
        create("c", replication={"user_managed": {"replicas": [{"location": "us-east1"}]}})
        found = client.list_secrets(request={"parent": PROJECT, "filter": wanted})
        assert "".join(secret.name[-1] for secret in found) == ids

    @pytest.mark.parametrize(
        "wanted",
        [
            "state",
            "state=",
            "=ENABLED",
            "(state=ENABLED",
            "state=ENABLED)",
            "nonsense=1",
            "state=ENABLED OR",
            "state~x",
        ],
    )
    def test_a_filter_that_is_none_is_refused(self, client: Any, versions: None, wanted: str) -> None:
        with pytest.raises(google_errors.BadRequest, match="filter"):
            list(client.list_secret_versions(request={"parent": SECRET, "filter": wanted}))

    def test_pages_follow_one_another(self, client: Any, versions: None) -> None:
        pages = client.list_secret_versions(request={"parent": SECRET, "page_size": 2}).pages
        read = [("".join(version.name[-1] for version in page.versions), page.total_size) for page in pages]
        assert read == [("54", 5), ("32", 5), ("1", 5)]

    def test_a_page_is_at_most_25000_long(self, client: Any, versions: None) -> None:
        found = client.list_secret_versions(request={"parent": SECRET, "page_size": 1_000_000})
        assert len(list(found)) == 5

    @pytest.mark.parametrize("request_", [{"page_size": -1}, {"page_token": "x"}, {"page_token": "Nw=="}])
    def test_a_size_or_a_token_that_is_none_is_refused(
        self, client: Any, versions: None, request_: dict[str, Any]
    ) -> None:
        with pytest.raises(google_errors.BadRequest):
            client.list_secret_versions(request={"parent": SECRET, **request_})

    def test_a_token_is_good_for_its_own_list_alone(
        self, client: Any, versions: None, secret_manager: SecretManagerEmulator
    ) -> None:
        secret_manager.add(f"{SECRET}-2", "x")
        token = client.list_secret_versions(request={"parent": SECRET, "page_size": 2}).next_page_token
        assert token
        for other in ({"parent": f"{SECRET}-2"}, {"parent": SECRET, "filter": "state=ENABLED"}):
            with pytest.raises(google_errors.BadRequest, match="token"):
                client.list_secret_versions(request={**other, "page_token": token})


class TestWires:
    def test_both_see_the_same_store_and_are_counted_alike(self, secret_manager: SecretManagerEmulator) -> None:
        secret_manager.add(SECRET, "AIza-x")
        for made in (secret_manager.client(), secret_manager.rest_client()):
            for _ in range(2):
                assert made.access_secret_version(name=f"{SECRET}/versions/1").payload.data == b"AIza-x"
        assert (secret_manager.accesses, secret_manager.connections) == (4, 2)
        assert all(peer.startswith("127.0.0.1:") for peer in secret_manager.peers)

    def test_faults_and_stalls_are_the_same(self, client: Any, secret_manager: SecretManagerEmulator) -> None:
        secret_manager.add(SECRET, "AIza-x")
        secret_manager.fail_next("RESOURCE_EXHAUSTED")
        with pytest.raises(google_errors.TooManyRequests, match="injected"):
            client.access_secret_version(name=f"{SECRET}/versions/1", retry=None)
        secret_manager.delay(0.2)
        started = time.monotonic()
        client.access_secret_version(name=f"{SECRET}/versions/1")
        assert time.monotonic() - started >= 0.2

    def test_closing_cuts_off_those_who_wait(self, client: Any, secret_manager: SecretManagerEmulator) -> None:
        secret_manager.add(SECRET, "AIza-x")
        with secret_manager.hang():
            started = time.monotonic()
            with pytest.raises(
                google_errors.DeadlineExceeded if "Grpc" in type(client.transport).__name__ else OSError
            ):
                client.access_secret_version(name=f"{SECRET}/versions/1", retry=None, timeout=0.3)
            secret_manager.close()
        assert time.monotonic() - started < 2.0

    def ask(self, store: SecretManagerEmulator, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{store.target}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)["error"]

    def test_curl_reads_and_writes_it(self, secret_manager: SecretManagerEmulator) -> None:
        status, made = self.ask(
            secret_manager, f"/v1/{PROJECT}/secrets?secretId=gemini", "POST", {"replication": EVERYWHERE}
        )
        assert (status, made["name"], made["replication"]) == (200, SECRET, EVERYWHERE)
        added = self.ask(secret_manager, f"/v1/{SECRET}:addVersion", "POST", {"payload": {"data": "QUl6YQ=="}})[1]
        assert (added["name"], added["state"]) == (f"{SECRET}/versions/1", "ENABLED")
        answer = self.ask(secret_manager, f"/v1/{SECRET}/versions/latest:access?alt=json")[1]
        assert answer["payload"]["data"] == "QUl6YQ=="
        mask = f"/v1/{SECRET}?updateMask=versionAliases"
        assert self.ask(secret_manager, mask, "PATCH", {"versionAliases": {"live": "1"}})[1]["versionAliases"] == {
            "live": "1"
        }
        assert self.ask(secret_manager, f"/v1/{SECRET}", "DELETE") == (200, {})

    @pytest.mark.parametrize(
        ("path", "method", "expected"),
        [
            (f"/v1/{SECRET}/versions/9:access", "GET", (404, "NOT_FOUND")),
            (f"/v1/{SECRET}/versions/1:access", "GET", (400, "FAILED_PRECONDITION")),
            (f"/v1/{PROJECT}/secrets?secretId=gemini", "POST", (409, "ALREADY_EXISTS")),
            (f"/v1/{SECRET}?updateMask=name", "PATCH", (400, "INVALID_ARGUMENT")),
            (f"/v1/{SECRET}/versions?nonsense=1", "GET", (400, "INVALID_ARGUMENT")),
            (f"/v1/{SECRET}:getIamPolicy", "GET", (501, "UNIMPLEMENTED")),
            ("/", "GET", (501, "UNIMPLEMENTED")),
        ],
    )
    def test_its_errors_have_google_s_form(
        self, secret_manager: SecretManagerEmulator, path: str, method: str, expected: tuple[int, str]
    ) -> None:
        secret_manager.add(SECRET, "AIza-x")
        secret_manager.disable(SECRET, 1)
        status, error = self.ask(secret_manager, path, method, None if method == "GET" else {})
        assert (status, error["status"]) == expected
        assert error["code"] == status
        assert error["message"]

    def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_running(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(OSError, match="in use"):
                SecretManagerEmulator(port=taken.getsockname()[1]).start()
