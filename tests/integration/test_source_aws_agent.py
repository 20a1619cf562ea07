"""`AWSAgent` against an agent on loopback, and the agent's emulator by itself."""

import http.client
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import (
    ApiKey,
    AWSAgent,
    ConfigurationError,
    CredentialProvider,
    CredentialsError,
    Env,
    FetchFailed,
    InvalidSecret,
    Unavailable,
)
from genai_credentials.sources import agent_token
from genai_credentials.testing import AWSAgentEmulator
from genai_credentials.testing.conformance import everything_in
from genai_credentials.uris import parse
from stores import within

NAME = "prod/gemini"
KEY, NEXT = "AIza-agent-first", "AIza-agent-second"
HEADER = "X-Aws-Parameters-Secrets-Token"
GROUPS = "aws-wcp-token, or awssmatokenreader"


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[AWSAgentEmulator]:
    with AWSAgentEmulator() as emulator:
        emulator.add(NAME, KEY)
        monkeypatch.setenv("AWS_TOKEN", emulator.token)
        yield emulator


@pytest.fixture
def token_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the agent writes its token; there is none yet."""
    path = tmp_path / "awssmatoken"
    monkeypatch.setattr(agent_token, "TOKEN_FILE", path)
    return path


@pytest.fixture
def provider(agent: AWSAgentEmulator) -> AWSAgent:
    return AWSAgent(NAME, port=agent.port)


def failure(provider: AWSAgent, kind: type[CredentialsError], *secrets: str) -> Any:
    """The error of a fetch, which must name the provider and a remedy, and hold no key and no token anywhere."""
    with pytest.raises(kind) as caught:
        provider.fetch()
    assert type(caught.value) is kind or issubclass(type(caught.value), FetchFailed)
    assert caught.value.message.startswith(f"{provider.name}: ")
    assert caught.value.remedy
    shown = everything_in(caught.value)
    assert [secret for secret in (KEY, NEXT, *secrets) if secret in shown] == []
    return caught.value


class TestServing:
    def test_a_fetch_takes_what_the_agent_keeps(self, agent: AWSAgentEmulator, provider: AWSAgent) -> None:
        first = provider.fetch()
        agent.add(NAME, NEXT)
        assert (first.get_secret_value(), provider.fetch().get_secret_value()) == (KEY, KEY)
        assert (agent.reads, agent.refreshes) == (1, 0)
        agent.expire()
        assert provider.fetch().get_secret_value() == NEXT
        assert agent.calls[0][1] == {"secretId": NAME, "versionStage": "AWSCURRENT"}

    def test_the_version_is_the_stores(self, agent: AWSAgentEmulator, provider: AWSAgent) -> None:
        version = agent.add(NAME, NEXT)
        key = provider.fetch()
        assert (key.version, key.provider) == (version, provider.name)

    @pytest.mark.parametrize("look", [lambda p, key: p.fetch(key), lambda p, key: p.fetch_newer(key)])
    def test_after_a_rejection_the_store_is_asked_once(
        self, agent: AWSAgentEmulator, provider: AWSAgent, look: Callable[[AWSAgent, ApiKey], ApiKey]
    ) -> None:
        first = provider.fetch()
        agent.add(NAME, NEXT)
        assert look(provider, first).get_secret_value() == NEXT
        assert (agent.reads, agent.refreshes) == (2, 1)
        assert provider.fetch().get_secret_value() == NEXT

    def test_a_notification_before_the_first_key_looks_past_the_cache_too(
        self, agent: AWSAgentEmulator, provider: AWSAgent
    ) -> None:
        provider.fetch()
        agent.add(NAME, NEXT)
        assert provider.fetch_newer(None).get_secret_value() == NEXT

    def test_a_rejection_causes_exactly_one_refresh(self, agent: AWSAgentEmulator, provider: AWSAgent) -> None:
        with CredentialProvider(provider) as credentials:
            first = credentials.get()
            agent.add(NAME, NEXT)
            second = credentials.reject(first)
            assert second is not None
            assert second.get_secret_value() == NEXT
        assert agent.refreshes == 1

    def test_a_rejection_with_nothing_newer_causes_exactly_one_refresh(
        self, agent: AWSAgentEmulator, provider: AWSAgent
    ) -> None:
        with CredentialProvider(provider) as credentials:
            assert credentials.reject(credentials.get()) is None
        assert agent.refreshes == 1

    def test_the_previous_version_takes_no_refresh(self, agent: AWSAgentEmulator, provider: AWSAgent) -> None:
        agent.add(NAME, NEXT)
        key = provider.fetch()
        assert provider.fetch_previous(key).get_secret_value() == KEY
        assert agent.refreshes == 0

    @pytest.mark.parametrize("options", [{"stage": "AWSPENDING"}, {"version_id": "7"}])
    def test_a_pinned_one_has_no_previous_version(self, agent: AWSAgentEmulator, options: dict[str, Any]) -> None:
        with pytest.raises(FetchFailed, match="pinned"):
            AWSAgent(NAME, port=agent.port, **options).fetch_previous()
        assert agent.calls == []

    def test_stages_versions_and_arns(self, agent: AWSAgentEmulator) -> None:
        version = agent.add(NAME, NEXT, stages=["AWSPENDING"])
        for provider in (
            AWSAgent(NAME, stage="AWSPENDING", port=agent.port),
            AWSAgent(NAME, version_id=version, port=agent.port),
            AWSAgent(agent.arn(NAME), stage="AWSPENDING", port=agent.port),
            parse(f"aws-agent:{NAME}?stage=AWSPENDING&port={agent.port}"),
        ):
            assert provider.fetch().get_secret_value() == NEXT

    @pytest.mark.parametrize(
        ("value", "field"),
        [
            (json.dumps({"api_key": KEY}), "api_key"),
            (json.dumps({"google": {"api_key": KEY}}), "/google/api_key"),
            (KEY.encode(), None),
            (KEY.encode("utf-16"), None),
        ],
    )
    def test_fields_and_binary_secrets(self, agent: AWSAgentEmulator, value: Any, field: str | None) -> None:
        agent.add("other", value)
        assert AWSAgent("other", field, port=agent.port).fetch().get_secret_value() == KEY

    def test_it_goes_past_every_proxy(self, provider: AWSAgent, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert provider.fetch().get_secret_value() == KEY

    def test_it_takes_neither_boto3_nor_a_client_of_ours(self, agent: AWSAgentEmulator) -> None:
        code = (
            "import sys\nfrom genai_credentials import AWSAgent\n"
            f"key = AWSAgent({NAME!r}, port={agent.port}).fetch()\n"
            "heavy = ['boto3', 'botocore', 'requests', 'urllib3', 'httpx', 'google.genai', 'asyncio']\n"
            "print(key.get_secret_value(), [name for name in heavy if name in sys.modules])"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == f"{KEY} []"


class TestToken:
    def test_the_places_are_asked_in_the_agents_own_order(
        self, agent: AWSAgentEmulator, monkeypatch: pytest.MonkeyPatch, token_file: Path, tmp_path: Path
    ) -> None:
        provider, wrong = AWSAgent(NAME, port=agent.port), "wrong"
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", agent.token)
        monkeypatch.delenv("AWS_TOKEN")
        assert provider.fetch().get_secret_value() == KEY
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", wrong)
        monkeypatch.setenv("AWS_SESSION_TOKEN", agent.token)
        assert provider.fetch().get_secret_value() == KEY
        monkeypatch.setenv("AWS_SESSION_TOKEN", wrong)
        token_file.write_text(f"{agent.token}\n")
        assert provider.fetch().get_secret_value() == KEY
        token_file.write_text(wrong)
        other = tmp_path / "token"
        other.write_text(agent.token)
        monkeypatch.setenv("AWS_TOKEN", f"file://{other}")
        assert provider.fetch().get_secret_value() == KEY
        monkeypatch.setenv("AWS_TOKEN", wrong)
        failure(provider, FetchFailed)

    @pytest.mark.parametrize("place", ["default", "named"])
    def test_the_file_may_be_replaced_while_it_runs(
        self, agent: AWSAgentEmulator, monkeypatch: pytest.MonkeyPatch, token_file: Path, place: str
    ) -> None:
        if place == "named":
            monkeypatch.setenv("AWS_TOKEN", f"file://{token_file}")
        else:
            monkeypatch.delenv("AWS_TOKEN")
        provider = AWSAgent(NAME, port=agent.port)
        for _ in range(3):
            fresh = token_file.with_suffix(".new")
            fresh.write_text(agent.new_token())
            os.replace(fresh, token_file)
            assert provider.fetch().get_secret_value() == KEY

    def test_none_is_absent(self, token_file: Path) -> None:
        assert "AWS_TOKEN" in failure(AWSAgent(NAME), Unavailable).remedy

    def test_a_refused_port_is_absent(self, agent: AWSAgentEmulator, provider: AWSAgent) -> None:
        agent.close()
        assert f"port {agent.port}" in str(failure(provider, Unavailable, agent.token))

    @pytest.mark.parametrize("path", ["/no/such/token", ""])
    def test_a_named_file_that_is_missing_is_broken(self, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
        monkeypatch.setenv("AWS_TOKEN", f"file://{path}")
        assert GROUPS in failure(AWSAgent(NAME), FetchFailed).remedy

    @pytest.mark.parametrize("place", ["default", "named"])
    def test_a_file_that_cannot_be_read_is_broken(
        self, monkeypatch: pytest.MonkeyPatch, token_file: Path, place: str
    ) -> None:
        token_file.mkdir()
        if place == "named":
            monkeypatch.setenv("AWS_TOKEN", f"file://{token_file}")
        failed = failure(AWSAgent(NAME), FetchFailed)
        assert GROUPS in failed.remedy
        assert str(token_file) in failed.remedy

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes root, to become nobody")
    def test_a_file_that_this_user_may_not_read_is_broken(self, tmp_path: Path) -> None:
        path = tmp_path / "token"
        path.write_text("secret")
        path.chmod(0o600)
        code = (
            "import os; from genai_credentials import AWSAgent; p = AWSAgent('s'); os.setuid(65534)\n"
            "try: p.fetch()\nexcept Exception as e: print(type(e).__name__, e)"
        )
        environ = {**os.environ, "AWS_TOKEN": f"file://{path}"}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
        assert run.stdout.startswith("FetchFailed aws-agent:s: ")
        assert GROUPS in run.stdout

    @pytest.mark.parametrize("token", ["two words", "line\nbreak", "t\u00f6ken", "nul\x01", " ", "x\r\nHost: evil"])
    @pytest.mark.parametrize("place", ["variable", "file"])
    def test_one_that_no_header_may_carry_is_broken_and_not_repeated(
        self, agent: AWSAgentEmulator, monkeypatch: pytest.MonkeyPatch, token_file: Path, token: str, place: str
    ) -> None:
        if place == "variable":
            monkeypatch.setenv("AWS_TOKEN", token)
        else:
            monkeypatch.delenv("AWS_TOKEN")
            token_file.write_text(token, encoding="utf-8")
        failed = failure(AWSAgent(NAME, port=agent.port), FetchFailed)
        assert token.strip() == "" or token.strip() not in everything_in(failed)
        assert agent.calls == []

    def test_one_that_the_agent_refuses_is_broken_and_names_the_group(
        self, agent: AWSAgentEmulator, provider: AWSAgent
    ) -> None:
        old = agent.token
        agent.new_token()
        failed = failure(provider, FetchFailed, old)
        assert "refuses the token" in str(failed)
        assert GROUPS in failed.remedy
        assert len(agent.calls) == 1


class TestTrouble:
    @pytest.mark.parametrize(
        ("code", "status", "said"),
        [
            ("ResourceNotFoundException", 400, "no such secret, version or stage"),
            ("AccessDeniedException", 400, "secretsmanager:DescribeSecret"),
            ("AccessDeniedException", 403, "kms:Decrypt"),
            ("DecryptionFailure", 400, "cannot be decrypted"),
            ("InvalidRequestException", 400, "marked for deletion"),
            ("ExpiredTokenException", 400, "expired"),
            ("MaxRolesExceeded", 400, "MaxRolesExceeded"),
        ],
    )
    def test_what_the_store_refuses_is_told_as_for_the_store_itself(
        self, agent: AWSAgentEmulator, provider: AWSAgent, code: str, status: int, said: str
    ) -> None:
        agent.fail_always(code, status)
        assert said in str(failure(provider, FetchFailed, agent.token))
        assert agent.reads == 1

    @pytest.mark.parametrize(
        ("code", "status"), [("ThrottlingException", 400), ("InternalFailure", 500), ("TimeoutError", 504)]
    )
    def test_one_failure_that_passes_is_tried_again(
        self, agent: AWSAgentEmulator, provider: AWSAgent, code: str, status: int
    ) -> None:
        agent.fail_next(code, status)
        assert provider.fetch().get_secret_value() == KEY
        assert agent.reads == 2

    def test_a_failure_that_lasts_ends_in_time(self, agent: AWSAgentEmulator, provider: AWSAgent) -> None:
        agent.fail_always("InternalFailure", 500)
        assert within(1.0, lambda: failure(provider, FetchFailed)) < 1.0
        assert agent.reads > 1

    def test_a_refresh_that_fails_leaves_what_is_kept(self, agent: AWSAgentEmulator, provider: AWSAgent) -> None:
        key = provider.fetch()
        agent.fail_always("AccessDeniedException")
        with pytest.raises(FetchFailed):
            provider.fetch(key)
        assert provider.fetch() == key

    def test_an_agent_that_hangs_ends_in_time(self, agent: AWSAgentEmulator, provider: AWSAgent) -> None:
        with agent.hang():
            assert within(0.6, lambda: failure(provider, FetchFailed, agent.token)) < 0.9

    def test_the_extension_answers_during_an_invocation_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with AWSAgentEmulator(extension=True) as extension:
            extension.add(NAME, KEY)
            monkeypatch.setenv("AWS_SESSION_TOKEN", extension.token)
            provider = AWSAgent(NAME, port=extension.port)
            assert "in the handler" in failure(provider, FetchFailed).remedy
            extension.ready()
            assert provider.fetch().get_secret_value() == KEY

    def test_the_extension_knows_no_refresh(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with AWSAgentEmulator(extension=True) as extension:
            extension.ready()
            extension.add(NAME, KEY)
            monkeypatch.setenv("AWS_SESSION_TOKEN", extension.token)
            provider = AWSAgent(NAME, port=extension.port)
            key = provider.fetch()
            extension.add(NAME, NEXT)
            assert provider.fetch(key) == key
            assert (extension.refreshes, extension.reads) == (1, 1)

    @pytest.mark.parametrize(
        ("status", "body", "said"),
        [
            (200, "<html>a web server</html>", "held no secret"),
            (200, "{}", "held no secret"),
            (200, '{"SecretBinary": "%%%"}', "held no secret"),
            (200, '{"SecretString": 7}', "held no secret"),
            (200, f'["{KEY}"]', "held no secret"),
            (301, "", "HTTP status 301"),
            (404, "Not found", "HTTP status 404"),
            (400, "Forwarded", "HTTP status 400"),
            (400, "an error: ResourceNotFoundException: Secrets Manager can't find it", "no such secret"),
            (400, f"no {KEY} here", "HTTP status 400"),
        ],
    )
    def test_another_program_on_the_port_is_broken(
        self, monkeypatch: pytest.MonkeyPatch, status: int, body: str, said: str
    ) -> None:
        monkeypatch.setenv("AWS_TOKEN", "token")
        with another_program(status, body) as port:
            assert said in str(failure(AWSAgent(NAME, port=port), FetchFailed))

    def test_an_agent_that_refuses_the_parameter_is_asked_without_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is not documented what the extension does with one that it doesn't know."""
        monkeypatch.setenv("AWS_TOKEN", "token")
        asked: list[str] = []

        def answer(target: str) -> tuple[int, str]:
            asked.append(target)
            return (400, "unknown parameter") if "refreshNow" in target else (200, json.dumps({"SecretString": KEY}))

        with another_program(answer) as port:
            key = AWSAgent(NAME, port=port).fetch(ApiKey(NEXT, provider="env"))
        assert key.get_secret_value() == KEY
        assert ["refreshNow" in target for target in asked] == [True, False]

    def test_an_answer_that_is_no_http_is_broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_TOKEN", "token")
        with another_program(0, "SSH-2.0-OpenSSH\r\n") as port:
            within(0.5, lambda: failure(AWSAgent(NAME, port=port), FetchFailed, "token"))

    def test_a_secret_that_is_no_key(self, agent: AWSAgentEmulator, provider: AWSAgent) -> None:
        agent.add(NAME, f"{KEY},{NEXT}")
        assert "several keys" in str(failure(provider, InvalidSecret))

    def test_it_falls_through_where_it_is_not_set_up(self, token_file: Path) -> None:
        with CredentialProvider(AWSAgent(NAME), Env(environ={"GEMINI_API_KEY": KEY})) as credentials:
            assert credentials() == KEY
            assert [link.outcome for link in credentials.status().links] == ["absent", "serving"]


class another_program:  # noqa: N801 - reads as a function
    """A server on loopback that answers whatever it is asked; with status 0 it speaks no HTTP."""

    def __init__(self, status: int | Callable[[str], tuple[int, str]], body: str = "") -> None:
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code, text = status(self.path) if callable(status) else (status, body)
                if code:
                    self.send_response(code)
                    self.send_header("Location", "http://127.0.0.1:1/")
                    self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> int:
        import threading

        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return int(self._server.server_port)

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class TestConfiguration:
    @pytest.mark.parametrize("port", [0, -1, 65_536, "2773", True, 1.5, None])
    def test_a_port_that_is_none_is_refused(self, port: Any) -> None:
        with pytest.raises(ConfigurationError, match="port"):
            AWSAgent(NAME, port=port)

    @pytest.mark.parametrize(("name", "options"), [("", {}), ("a b", {}), (7, {}), (NAME, {"stage": ""})])
    def test_a_name_of_another_form_is_refused(self, name: Any, options: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            AWSAgent(name, **options)

    def test_links_that_read_different_things_have_different_names(self) -> None:
        names = [
            provider.name
            for provider in (
                AWSAgent(NAME),
                AWSAgent(NAME, "api_key"),
                AWSAgent(NAME, stage="AWSPENDING"),
                AWSAgent(NAME, version_id="7"),
                AWSAgent(NAME, port=4000),
            )
        ]
        assert names[:2] == [f"aws-agent:{NAME}", f"aws-agent:{NAME}#api_key"]
        assert names[2:] == [
            f"aws-agent:{NAME}?{option}" for option in ("stage=AWSPENDING", "version_id=7", "port=4000")
        ]


class TestEmulator:
    """What the agent itself does, by its own source."""

    def ask(self, agent: AWSAgentEmulator, target: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=10)
        try:
            connection.request(method, target, headers={HEADER: agent.token, **headers})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def test_it_is_healthy_without_a_token(self, agent: AWSAgentEmulator) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{agent.port}/ping", timeout=10) as response:
            assert response.read() == b"healthy"
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"http://127.0.0.1:{agent.port}/secretsmanager/get?secretId=x", timeout=10)

    def test_both_paths_answer_the_same(self, agent: AWSAgentEmulator) -> None:
        status, text = self.ask(agent, f"/secretsmanager/get?secretId={NAME}")
        assert (status, json.loads(text)["SecretString"]) == (200, KEY)
        assert self.ask(agent, f"/v1/{NAME}") == (status, text)
        assert json.loads(text)["VersionStages"] == ["AWSCURRENT"]
        assert isinstance(json.loads(text)["CreatedDate"], str)

    @pytest.mark.parametrize(
        ("target", "method", "headers", "expected"),
        [
            ("/secretsmanager/get", "GET", {}, (400, "missing parameter secretId")),
            (f"/secretsmanager/get?secretId={NAME}&region=x", "GET", {}, (400, "unknown parameter: region")),
            (f"/secretsmanager/get?secretId={NAME}&refreshNow=x", "GET", {}, (400, "invalid refreshNow value")),
            (f"/secretsmanager/get?secretId={NAME}", "GET", {"X-Forwarded-For": "1.2.3.4"}, (400, "Forwarded")),
            (f"/secretsmanager/get?secretId={NAME}", "GET", {HEADER: "x"}, (403, "Bad Token")),
            (f"/secretsmanager/get?secretId={NAME}", "POST", {}, (405, "Not allowed")),
            ("/elsewhere", "GET", {}, (404, "Not found")),
        ],
    )
    def test_what_it_refuses(
        self, agent: AWSAgentEmulator, target: str, method: str, headers: dict[str, str], expected: tuple[int, str]
    ) -> None:
        assert self.ask(agent, target, method, **headers) == expected
        assert agent.reads == 0

    def test_a_deleted_secret_is_refused_as_by_the_store(self, agent: AWSAgentEmulator) -> None:
        agent.delete(NAME)
        status, text = self.ask(agent, f"/secretsmanager/get?secretId={NAME}")
        assert (status, json.loads(text)["__type"]) == (400, "InvalidRequestException")
        assert self.ask(agent, "/secretsmanager/get?secretId=none")[0] == 400

    def test_nothing_is_kept_with_a_ttl_of_0(self) -> None:
        with AWSAgentEmulator(ttl=0) as agent:
            agent.add(NAME, KEY)
            for _ in range(2):
                self.ask(agent, f"/secretsmanager/get?secretId={NAME}")
            assert agent.reads == 2

    def test_a_closed_one_comes_back_on_its_port_with_its_secrets(self, agent: AWSAgentEmulator) -> None:
        port = agent.port
        agent.close()
        agent.start()
        assert agent.port == port
        assert self.ask(agent, f"/v1/{NAME}")[0] == 200
