"""Secret Manager without the stock client: plain REST, a log-in that fails, answers that are none, an emulator."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import grpc
import pytest
from google.auth.transport.grpc import AuthMetadataPlugin
from google.auth.transport.requests import Request as AuthRequest
from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.oauth2.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from genai_credentials import ConfigurationError, FetchFailed, GoogleSecretManager, InvalidSecret
from genai_credentials.sources.checksum import crc32c, crc32c_in_python
from genai_credentials.testing import SecretManagerEmulator
from genai_credentials.testing.conformance import everything_in
from genai_credentials.testing.servers import Workers
from genai_credentials.testing.stores.keep_alive import Answer, KeepAliveServer, Request
from genai_credentials.uris import parse
from stores import within

SECRET = "projects/acme/secrets/gemini"
KEY = "AIza-google-secret-key"
NAME = f"{SECRET}/versions/1"
DATA = base64.b64encode(KEY.encode()).decode()
EMULATOR = "SECRET_MANAGER_EMULATOR_HOST"


class Anything:
    """A server on loopback that answers each request with what a test says."""

    def __init__(self) -> None:
        self.answer: Answer | None = Answer(200, {})
        self.requests: list[Request] = []
        workers = Workers("anything")
        self._server = KeepAliveServer(0, workers, lambda: None, self._serve)
        workers.submit(self._server.serve_forever, 0.02)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.close = self._server.stop

    def _serve(self, request: Request) -> Answer | None:
        self.requests.append(request)
        return self.answer


@pytest.fixture
def server() -> Iterator[Anything]:
    anything = Anything()
    yield anything
    anything.close()


def failure(provider: GoogleSecretManager, seconds: float = 1.0) -> FetchFailed:
    """The error of a fetch in so many seconds, which must hold no key anywhere."""
    caught: list[FetchFailed] = []

    def fetch() -> None:
        with pytest.raises(FetchFailed) as info:
            provider.fetch()
        caught.append(info.value)

    within(seconds, fetch)
    assert caught[0].remedy
    assert KEY not in everything_in(caught[0])
    assert DATA not in everything_in(caught[0])
    return caught[0]


class TestAnswers:
    @pytest.fixture
    def provider(self, server: Anything, monkeypatch: pytest.MonkeyPatch) -> GoogleSecretManager:
        monkeypatch.setenv(EMULATOR, server.address)
        return GoogleSecretManager(SECRET, transport="rest")

    def test_a_secret_is_asked_for_by_google_s_own_rules(self, server: Anything, provider: GoogleSecretManager) -> None:
        checksum = str(google_crc32c.value(KEY.encode()))
        server.answer = Answer(200, {"name": NAME, "payload": {"data": DATA, "dataCrc32c": checksum}})
        assert provider.fetch().get_secret_value() == KEY
        assert [(one.method, one.target) for one in server.requests] == [
            ("GET", f"/v1/{SECRET}/versions/latest:access")
        ]

    @pytest.mark.parametrize("checksum", ["0", 1])
    def test_a_wrong_checksum_is_noticed(self, server: Anything, provider: GoogleSecretManager, checksum: Any) -> None:
        server.answer = Answer(200, {"name": NAME, "payload": {"data": DATA, "dataCrc32c": checksum}})
        assert "CRC32C" in str(failure(provider))

    def test_an_empty_secret_is_no_key(self, server: Anything, provider: GoogleSecretManager) -> None:
        server.answer = Answer(200, {"name": NAME, "payload": {}})
        assert isinstance(failure(provider), InvalidSecret)

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "<html>Log in to the Wi-Fi</html>",
            f'"{KEY}"',
            {},
            {"name": NAME},
            {"name": NAME, "payload": None},
            {"name": NAME, "payload": {"data": 7}},
            {"name": NAME, "payload": {"data": f"{DATA}!"}},
            {"name": NAME, "payload": {"data": DATA, "dataCrc32c": "many"}},
            {"payload": {"data": DATA}},
        ],
    )
    def test_what_is_no_answer_of_the_store_is_broken(
        self, server: Anything, provider: GoogleSecretManager, body: Any
    ) -> None:
        server.answer = Answer(200, body)
        assert "does not come from Secret Manager" in str(failure(provider))
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        ("status", "body", "said"),
        [
            (302, "", "HTTP status 302"),
            (404, "<html>nobody here</html>", "HTTP status 404"),
            (407, "", "HTTP status 407"),
            (403, "<html>proxy</html>", "may not read"),
            (401, "", "Log in again"),
            (400, {"error": "a text"}, "HTTP status 400"),
            (400, {"error": {"status": f"{KEY} x"}}, "HTTP status 400"),
            (400, {"error": {"status": "OUT_OF_RANGE"}}, "OutOfRange"),
            (403, {"error": {"status": "PERMISSION_DENIED", "message": "denied"}}, "secretmanager.secretAccessor"),
        ],
    )
    def test_a_refusal_by_someone_in_between_is_not_tried_again(
        self, server: Anything, provider: GoogleSecretManager, status: int, body: Any, said: str
    ) -> None:
        server.answer = Answer(status, body)
        assert said in str(failure(provider))
        assert len(server.requests) == 1

    @pytest.mark.parametrize(("status", "body"), [(429, ""), (503, "<html>"), (502, {}), (500, "")])
    def test_a_failure_that_passes_is_tried_again(
        self, server: Anything, provider: GoogleSecretManager, status: int, body: Any
    ) -> None:
        server.answer = Answer(status, body)
        failure(provider)
        assert len(server.requests) > 1

    @pytest.mark.parametrize("ending", ["reset", "truncated"])
    def test_an_answer_that_breaks_off_is_tried_again(
        self, server: Anything, provider: GoogleSecretManager, ending: Any
    ) -> None:
        server.answer = Answer(200, {"name": NAME, "payload": {"data": DATA}}, ending)
        failure(provider)
        assert len(server.requests) > 1

    def test_no_answer_at_all_is_tried_again(self, server: Anything, provider: GoogleSecretManager) -> None:
        server.answer = None
        assert "unavailable" in str(failure(provider))
        assert len(server.requests) > 1


class TestTheEmulator:
    @pytest.mark.parametrize("transport", ["grpc", "rest", None])
    @pytest.mark.parametrize("form", ["{}", "http://{}", " {}/ "])
    def test_it_is_found_without_a_log_in_and_past_every_proxy(
        self,
        secret_manager: SecretManagerEmulator,
        no_google: None,
        monkeypatch: pytest.MonkeyPatch,
        transport: Any,
        form: str,
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "grpc_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(EMULATOR, form.format(secret_manager.target))
        secret_manager.add(SECRET, KEY)
        assert GoogleSecretManager(SECRET, transport=transport).fetch().get_secret_value() == KEY
        assert secret_manager.accesses == 1

    @pytest.mark.parametrize("transport", ["grpc", "rest"])
    @pytest.mark.parametrize(
        "host",
        [
            *("10.0.0.1:9090", "secretmanager.googleapis.com:443", "127.0.0.1.example.com:80", "user@10.0.0.1:1"),
            *("127.0.0.1", "localhost", ":9090", "https://127.0.0.1:1", "127.0.0.1:1/path", "127.0.0.1:x", "[::1"),
        ],
    )
    def test_it_is_on_this_machine_or_it_is_none(
        self, monkeypatch: pytest.MonkeyPatch, transport: Any, host: str
    ) -> None:
        monkeypatch.setenv(EMULATOR, host)
        with pytest.raises(ConfigurationError, match=EMULATOR) as caught:
            GoogleSecretManager(SECRET, transport=transport).fetch()
        assert "127.0.0.1:PORT" in caught.value.remedy

    def test_a_client_that_was_passed_outranks_it(
        self, secret_manager: SecretManagerEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(EMULATOR, "10.0.0.1:9090")
        secret_manager.add(SECRET, KEY)
        assert GoogleSecretManager(SECRET, client=secret_manager.client).fetch().get_secret_value() == KEY


class TestTransport:
    @pytest.mark.parametrize("code", [code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
    def test_an_error_reads_the_same_over_each(
        self, secret_manager: SecretManagerEmulator, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        monkeypatch.setenv(EMULATOR, secret_manager.target)
        secret_manager.add(SECRET, KEY)
        secret_manager.fail_always(code)
        wires: list[dict[str, Any]] = [
            *({"transport": transport} for transport in ("grpc", "rest")),
            {"client": secret_manager.rest_client},
        ]
        errors = [failure(GoogleSecretManager(SECRET, **wire), seconds=0.5) for wire in wires]
        assert len({(type(error), str(error)) for error in errors}) == 1

    @pytest.mark.parametrize("transport", ["http", "REST", "", 7])
    def test_another_is_refused_at_construction(self, transport: Any) -> None:
        with pytest.raises(ConfigurationError, match="transport"):
            GoogleSecretManager(SECRET, transport=transport)

    def test_rest_goes_with_no_client(self, secret_manager: SecretManagerEmulator) -> None:
        with pytest.raises(ConfigurationError, match="client"):
            GoogleSecretManager(SECRET, client=secret_manager.client, transport="rest")

    @pytest.mark.parametrize("transport", ["grpc", "rest"])
    def test_it_is_in_the_uri_and_not_in_the_name(self, transport: Any) -> None:
        provider = GoogleSecretManager(SECRET, "api_key", transport=transport)
        assert provider.uri == f"google:{SECRET}?transport={transport}#api_key"
        assert parse(provider.uri) == provider != GoogleSecretManager(SECRET, "api_key")
        assert provider.name == f"google:{SECRET}#api_key"

    def test_none_is_rest_where_google_genai_alone_is_installed(self, secret_manager: SecretManagerEmulator) -> None:
        """And nothing of the other is loaded."""
        secret_manager.add(SECRET, KEY)
        code = f"""
import sys
for name in ("google.cloud", "google.cloud.secretmanager_v1", "google.api_core", "grpc", "google_crc32c", "proto"):
    sys.modules[name] = None
from genai_credentials import GoogleSecretManager
key = GoogleSecretManager({SECRET!r}).fetch()
print(key.get_secret_value(), key.version, "google.genai" in sys.modules, end="")
"""
        environ = {EMULATOR: secret_manager.target, "PYTHONPATH": ":".join(sys.path)}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True)
        assert run.stdout == f"{KEY} 1 False"

    def test_rest_loads_no_stock_client_where_there_is_one(self, secret_manager: SecretManagerEmulator) -> None:
        secret_manager.add(SECRET, KEY)
        code = f"""
import sys
from genai_credentials import GoogleSecretManager
GoogleSecretManager({SECRET!r}, transport="rest").fetch()
print([name for name in ("grpc", "google.api_core", "google.cloud.secretmanager_v1") if name in sys.modules], end="")
"""
        environ = {EMULATOR: secret_manager.target, "PYTHONPATH": ":".join(sys.path)}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True)
        assert run.stdout == "[]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_each_forked_child_reads_over_a_connection_of_its_own(secret_manager: SecretManagerEmulator) -> None:
    """Children that share one keep-alive connection get each other's secrets."""
    for number in range(4):
        secret_manager.add(f"{SECRET}-{number}", f"AIza-{number}")
    code = f"""
import os
from genai_credentials import GoogleSecretManager
providers = [GoogleSecretManager(f"{SECRET}-{{number}}", transport="rest") for number in range(4)]
assert {{one.fetch().version for one in providers}} == {{"1"}}
children = []
for number in range(3):
    if not (child := os.fork()):
        texts = {{providers[number].fetch().get_secret_value() for _ in range(50)}}
        os._exit(0 if texts == {{f"AIza-{{number}}"}} else 1)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children], providers[3].fetch().get_secret_value(), end="")
"""
    environ = {EMULATOR: secret_manager.target, "PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True)
    assert run.stdout == "[0, 0, 0] AIza-3"
    assert (secret_manager.accesses, secret_manager.connections) == (4 + 150 + 1, 4 + 3)


class TestLogIn:
    """The token server is on loopback: what it refuses, no store is asked for."""

    @pytest.fixture
    def rest(self, server: Anything, service_account: Callable[[str], Path]) -> GoogleSecretManager:
        service_account(f"http://{server.address}/token")
        return GoogleSecretManager(SECRET, transport="rest")

    @pytest.fixture
    def over_grpc(self, server: Anything, secret_manager: SecretManagerEmulator) -> GoogleSecretManager:
        return GoogleSecretManager(SECRET, client=logged_in(secret_manager, f"http://{server.address}/token"))

    @pytest.mark.parametrize("wire", ["rest", "over_grpc"])
    @pytest.mark.parametrize("error", ["invalid_grant", "unauthorized_client", "invalid_client", "deleted_client"])
    def test_one_that_has_expired_is_not_tried_again_and_no_outage(
        self, request: pytest.FixtureRequest, server: Anything, wire: str, error: str
    ) -> None:
        server.answer = Answer(400, {"error": error, "error_description": "Token has been expired or revoked."})
        provider = request.getfixturevalue(wire)
        failed = failure(provider)
        assert "login of this machine has expired" in str(failed)
        assert "gcloud auth application-default login" in failed.remedy
        assert len(server.requests) == 1

    @pytest.mark.parametrize("wire", ["rest", "grpc"])
    def test_a_token_server_that_is_down_is_tried_again(
        self, secret_manager: SecretManagerEmulator, service_account: Callable[[str], Path], wire: str
    ) -> None:
        nowhere = "http://127.0.0.1:1/token"
        service_account(nowhere)
        options: Any = {"transport": "rest"} if wire == "rest" else {"client": logged_in(secret_manager, nowhere)}
        failed = failure(GoogleSecretManager(SECRET, **options))
        assert "token server" in str(failed)

    def test_no_error_holds_the_refresh_token(self, server: Anything, rest: GoogleSecretManager) -> None:
        server.answer = Answer(400, {"error": "invalid_grant"})
        shown = everything_in(failure(rest))
        assert "assertion" not in shown
        assert "PRIVATE KEY" not in shown


def logged_in(store: SecretManagerEmulator, token_uri: str) -> Any:
    """A stock client over gRPC whose credentials take their token from a server of ours."""
    credentials = Credentials(None, refresh_token="r", token_uri=token_uri, client_id="c", client_secret="s")
    call = grpc.metadata_call_credentials(AuthMetadataPlugin(credentials, AuthRequest()))
    here = grpc.local_channel_credentials(grpc.LocalConnectionType.LOCAL_TCP)
    channel = grpc.secure_channel(store.target, grpc.composite_channel_credentials(here, call))
    transport = SecretManagerServiceGrpcTransport(channel=channel)
    return secretmanager_v1.SecretManagerServiceClient(transport=transport)


@given(st.binary(max_size=300))
def test_the_checksum_is_the_same_without_the_package(data: bytes) -> None:
    assert crc32c_in_python(data) == crc32c(data) == google_crc32c.value(data)


def test_the_checksum_is_that_of_the_standard() -> None:
    """RFC 3720, B.4, and the check value of the catalogues."""
    assert crc32c_in_python(b"\0" * 32) == 0x8A9136AA
    assert crc32c_in_python(b"123456789") == 0xE3069283


def test_the_answers_of_this_page_are_those_of_the_service() -> None:
    """What the tests above take for an answer, the stock client reads too."""
    document = {"name": NAME, "payload": {"data": DATA, "dataCrc32c": "7"}}
    answer = secretmanager_v1.AccessSecretVersionResponse.from_json(json.dumps(document))
    assert (answer.payload.data, answer.payload.data_crc32c) == (KEY.encode(), 7)
