"""`genai-credentials doctor`, `fingerprint`, and the command alone: everything at once, a key's name, what is next."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

import genai_credentials
from genai_credentials.cli import machine
from genai_credentials.cli.app import cli
from genai_credentials.key import fingerprint as fingerprint_of
from genai_credentials.testing import FakeGemini

SCHEMAS = Path(__file__).parents[2] / "docs/explanation/schemas"
KEY, OTHER = "AIzaSyOne-NeverToBeSeen_0123456789", "AIzaSyTwo-NeverToBeSeen_0123456789"


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    done = CliRunner().invoke(cli, arguments, input=given, prog_name="genai-credentials")
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert not [key for key in (KEY, OTHER) if key in done.output]
    return done


def document(verb: str, *arguments: str, given: str | bytes | None = None) -> dict:
    done = run(verb, "--json", *arguments, given=given)
    result = json.loads(done.stdout)
    jsonschema.validate(result, json.loads((SCHEMAS / f"{verb}.json").read_text()))
    assert (result["exit_code"], done.stderr) == (done.exit_code, "")
    return result


def states(result: dict, topic: str) -> list[str]:
    return [point["state"] for point in result["points"] if point["topic"] == topic]


def words(result: dict, topic: str) -> str:
    return " ".join(f"{point['what']} {point['remedy']}" for point in result["points"] if point["topic"] == topic)


@pytest.fixture
def api(fake_gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> FakeGemini:
    """An API that lets KEY in, and the key where a chain finds it."""
    fake_gemini.accept(KEY)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", fake_gemini.base_url)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    return fake_gemini


# Doctor


@pytest.mark.parametrize("chain", [[], ["file:/nowhere"], ["--offline"]])
@pytest.mark.parametrize("url", ["gateway.example", "http://gateway.example", "ftp://gateway.example"])
def test_a_base_url_that_the_key_may_not_go_to_is_refused_with_and_without_a_key(url: str, chain: list[str]) -> None:
    for json_option in ([], ["--json"]):
        done = run("doctor", "--base-url", url, *chain, *json_option)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "gateway.example" in done.stderr


def test_where_all_is_well_the_doctor_says_so(api: FakeGemini) -> None:
    result = document("doctor", "--base-url", api.base_url)
    assert result["exit_code"] == 0
    assert {point["topic"] for point in result["points"]} == {
        *("chain", "api", "variables", "files", "proxies", "clock", "versions")
    }
    assert states(result, "api") == states(result, "versions") == ["good"]
    assert result["versions"]["genai-credentials"] == genai_credentials.__version__
    page = run("doctor").stdout
    assert "\u2713 api" in page
    assert fingerprint_of(KEY) in page


@pytest.mark.parametrize(
    ("refusal", "state", "code"), [("API_KEY_INVALID", "bad", 1), ("leaked", "bad", 1), ("SERVICE_DISABLED", "bad", 2)]
)
def test_what_the_api_says_decides(api: FakeGemini, refusal: str, state: str, code: int) -> None:
    api.revoke(KEY, refusal=refusal)
    result = document("doctor")
    assert (states(result, "api"), result["exit_code"]) == ([state], code)
    assert words(result, "api").strip().endswith(".")


def test_a_refused_key_that_another_follows_is_odd(api: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD", OTHER)
    result = document("doctor", "env:OLD", "env:GEMINI_API_KEY")
    assert (states(result, "api"), result["exit_code"]) == (["good"], 0)
    assert "so the next key was tried" in words(result, "variables")


def test_without_a_key_nobody_is_asked_and_each_link_has_a_remedy(fake_gemini: FakeGemini) -> None:
    result = document("doctor", "--base-url", fake_gemini.base_url, "env:", "file:/nowhere")
    assert (result["exit_code"], states(result, "chain"), states(result, "api")) == (1, ["good", "bad", "bad"], [])
    assert fake_gemini.requests == []
    assert "Set GOOGLE_API_KEY" in words(result, "chain")


def test_no_connection_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    result = document("doctor", "--base-url", "http://127.0.0.1:1")
    assert (states(result, "api"), states(result, "clock"), result["exit_code"]) == (["odd"], ["absent"], 3)


def test_offline_asks_nobody(api: FakeGemini, tmp_path: Path) -> None:
    result = document("doctor", "--offline", "env:", f"file:{tmp_path}/none")
    assert (result["exit_code"], states(result, "api"), api.requests) == (0, [], [])
    assert states(result, "chain") == ["good", "good", "absent"]


def test_two_variables_and_another_base_url_are_told(api: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    monkeypatch.setenv("GEMINI_API_KEY", OTHER)
    assert "are both set, and differ" in words(document("doctor"), "variables")
    assert "GOOGLE_GEMINI_BASE_URL is set" in words(document("doctor"), "variables")


def test_who_may_read_the_files_is_told(api: FakeGemini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    path.chmod(0o644)
    result = document("doctor", f"file:{path}")
    assert states(result, "files") == ["odd"]
    assert f"chmod 600 {path}" in words(result, "files")
    path.chmod(0o600)
    assert states(document("doctor", f"file:{path}"), "files") == ["good"]
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    lost = document("doctor", f"file:{path}")
    assert (states(lost, "files"), lost["exit_code"]) == (["good", "bad"], 2)


def test_proxies_are_told_without_their_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:word@127.0.0.1:3128")
    points = machine.proxy_points("generativelanguage.googleapis.com")
    assert "127.0.0.1:3128" in points[0].what
    assert "word" not in str(points)
    monkeypatch.setenv("NO_PROXY", "googleapis.com")
    assert "directly" in machine.proxy_points("generativelanguage.googleapis.com")[0].what
    monkeypatch.setenv("NO_PROXY", "elsewhere.example")
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:3128")
    assert machine.proxy_points("gateway.example")[0].state == "bad"
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:3128")
    assert "directly" in machine.proxy_points("gateway.example")[0].what


def test_certificates_that_are_not_there_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert machine.certificate_points() == []
    monkeypatch.setenv("SSL_CERT_FILE", __file__)
    assert [point.state for point in machine.certificate_points()] == ["good"]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    (point,) = machine.certificate_points()
    assert (point.state, "REQUESTS_CA_BUNDLE names /nowhere" in point.what) == ("bad", True)


@contextmanager
def gateway_whose_clock_is_off(seconds: float) -> Iterator[str]:
    """A server that lists no model, at a time of its own."""

    class Handler(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            import time

            return formatdate(time.time() + seconds, usegmt=True)

        def do_GET(self) -> None:
            body = b'{"models": []}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("seconds", "state", "code", "word"),
    [(-1000, "bad", 2, "ahead"), (1000, "bad", 2, "behind"), (-120, "odd", 0, "ahead"), (0, "good", 0, "right")],
)
def test_a_clock_that_is_off_is_told(
    seconds: float, state: str, code: int, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    with gateway_whose_clock_is_off(seconds) as url:
        result = document("doctor", "--base-url", url)
    assert (states(result, "clock"), result["exit_code"]) == ([state], code)
    assert word in words(result, "clock")


def test_a_version_that_is_not_tested_is_told() -> None:
    found = {**machine.versions(), "google-genai": "99.0", "aiohttp": "3.9.5"}
    *_, sdk, aiohttp = machine.version_points(found)
    assert (sdk.state, "99.0" in sdk.what) == ("odd", True)
    assert (aiohttp.state, "3.9.5" in aiohttp.what) == ("odd", True)
    assert len(machine.version_points(machine.versions())) == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["gogle:x"], "Did you mean google:?"), (["--base-url", "gateway"], "--base-url: 'gateway'"), ([KEY], "scheme")],
)
def test_a_wrong_use_of_the_doctor_is_code_2(arguments: list[str], word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    done = run("doctor", "--json", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert word in done.stderr


# Fingerprint


@pytest.mark.parametrize("given", [KEY, f"{KEY}\n", f"'{KEY}'\r\n", f"\ufeff{KEY}".encode(), KEY.encode("utf-16")])
def test_a_key_from_standard_input_is_named(given: str | bytes) -> None:
    assert run("fingerprint", given=given).stdout == f"{fingerprint_of(KEY)}\n"
    result = document("fingerprint", given=given)
    assert (result["fingerprint"], result["kind"], result["provider"]) == (fingerprint_of(KEY), "standard", "the input")


def test_the_key_of_a_link_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f'"{KEY}"')
    path.chmod(0o600)
    result = document("fingerprint", f"file:{path}")
    assert (result["fingerprint"], result["notes"]) == (fingerprint_of(KEY), ["quotes"])
    assert "quotes around it" in run("fingerprint", f"file:{path}").stderr


@pytest.mark.parametrize(
    ("given", "word"),
    [("", "is empty"), ("YOUR_API_KEY", "placeholder"), (f"{KEY} {OTHER}", "white space"), ("{}", "JSON")],
)
def test_a_text_that_is_no_key_has_no_fingerprint(given: str, word: str) -> None:
    result = document("fingerprint", given=given)
    assert (result["fingerprint"], result["exit_code"]) == (None, 1)
    assert word in result["error"]
    assert result["remedy"]
    assert run("fingerprint", given=given).stdout == ""


def test_a_link_without_a_key_has_none() -> None:
    result = document("fingerprint", "file:/nowhere")
    assert (result["fingerprint"], result["exit_code"]) == (None, 1)
    assert result["error"].startswith("file:/nowhere is absent.")


@pytest.mark.parametrize("arguments", [[KEY], ["env:", KEY], [f"env:{KEY}"]])
def test_a_key_is_no_argument(arguments: list[str]) -> None:
    assert run("fingerprint", *arguments).exit_code == 2


def test_a_closed_input_is_no_key_to_name() -> None:
    line = f"{sys.executable} -m genai_credentials fingerprint <&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no key to name" in done.stderr


# The command alone


def test_alone_it_shows_the_status_and_what_to_do_next(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = run()
    assert nothing.exit_code == run("status").exit_code == 1
    assert nothing.stdout.startswith(run("status").stdout)
    assert "genai-credentials put dotenv:.env" in nothing.stdout
    monkeypatch.setenv("GENAI_CREDENTIALS", "env: file:/nowhere/key")
    assert "genai-credentials put file:/nowhere/key" in run().stdout
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    served = run()
    assert served.exit_code == 0
    assert "Next:\n  genai-credentials check" in served.stdout
    monkeypatch.setenv("GENAI_CREDENTIALS", "gogle:x")
    assert run().exit_code == 2


def test_the_version_has_a_short_option_and_a_name_in_python() -> None:
    assert run("-V").stdout == run("--version").stdout == f"genai-credentials {genai_credentials.__version__}\n"


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "genai_credentials", "-V"], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, "genai-credentials", "")


@pytest.mark.parametrize(
    ("typed", "at", "found"), [("genai-credentials do", "1", "doctor"), ("genai-credentials check --ea", "2", "--each")]
)
def test_a_shell_completes_verbs_and_options(typed: str, at: str, found: str) -> None:
    asked = {"_GENAI_CREDENTIALS_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": at}
    done = subprocess.run(
        [sys.executable, "-m", "genai_credentials"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **asked},
        check=False,
    )
    assert done.stdout.split() == [f"plain,{found}"]


@pytest.mark.parametrize("typed", ["run ", "run env: ", "run env: -- ", "proxy -- ", "rotate --retire-after x "])
def test_a_line_that_is_not_finished_is_no_traceback(typed: str) -> None:
    line = f"genai-credentials {typed}"
    asked = {"_GENAI_CREDENTIALS_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()))}
    done = CliRunner().invoke(cli, prog_name="genai-credentials", env=asked)
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_that_the_page_names_gets_its_script(shell: str) -> None:
    page = (SCHEMAS.parents[1] / "reference-cli.md").read_text()
    assert f"_GENAI_CREDENTIALS_COMPLETE={shell}_source genai-credentials" in page
    done = CliRunner(env={"_GENAI_CREDENTIALS_COMPLETE": f"{shell}_source"}).invoke(cli, prog_name="genai-credentials")
    assert "_GENAI_CREDENTIALS_COMPLETE" in done.stdout
