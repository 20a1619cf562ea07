"""`genai-credentials check` and `run`: the key put to the test, and put to use."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from genai_credentials import uris
from genai_credentials.cli.app import cli
from genai_credentials.redaction import needles
from genai_credentials.testing import REFUSALS, FakeGemini

SCHEMAS = Path(__file__).parents[2] / "docs/explanation/schemas"
OLD, LIVE = "AIzaSyOld-NeverToBeSeen_0123456789", "AIzaSyLive-NeverToBeSeen_012345678"
AUTH, TOKEN = "AQ.Ab8Auth-NeverToBeSeen_0123456789", "sk-Gateway-NeverToBeSeen_01234567"
KEYS = (OLD, LIVE, AUTH, TOKEN)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def check(*arguments: str) -> dict:
    done = invoke("check", "--json", *arguments)
    result = json.loads(done.stdout)
    jsonschema.validate(result, json.loads((SCHEMAS / "check.json").read_text()))
    assert result["exit_code"] == done.exit_code
    return result


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    program = "from genai_credentials.cli import main; main()"
    line = [sys.executable, "-W", "error::ResourceWarning", "-c", program, *arguments]
    environ = {**os.environ, **environ}
    return subprocess.run(line, capture_output=True, text=True, timeout=60, env=environ, check=False)


@pytest.fixture
def api(fake_gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> FakeGemini:
    """An API that lets LIVE in, where a stock client finds it."""
    fake_gemini.accept(LIVE)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", fake_gemini.base_url)
    return fake_gemini


@pytest.fixture
def two_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST", OLD)
    monkeypatch.setenv("SECOND", LIVE)


# Check


def test_a_live_key_is_accepted(api: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", LIVE)
    result = check()
    (one,) = result["checks"]
    assert (one["verdict"], result["exit_code"]) == ("accepted", 0)
    assert one["key"]["provider"] == "env"
    (request,) = api.requests
    assert request.path.endswith("/models")
    assert "key=" not in (request.query or "")
    assert (request.key, api.accepted) == (LIVE, 1)


def test_a_refused_key_is_followed_by_the_next_link_and_both_are_told_of(api: FakeGemini, two_keys: None) -> None:
    result = check("env:FIRST", "env:SECOND")
    (one,) = result["checks"]
    assert [(answer["status"], answer["provider"]) for answer in one["answers"]] == [
        (400, "env:FIRST"),
        (200, "env:SECOND"),
    ]
    assert one["key"]["provider"] == "env:SECOND"
    assert result["exit_code"] == 0
    assert "env:FIRST" in result["findings"][0]["what"]
    assert "so the next key was tried" in result["findings"][0]["what"]


def test_a_broken_link_above_the_one_that_serves_is_told_of(api: FakeGemini, tmp_path: Path, two_keys: None) -> None:
    bad = tmp_path / "bad"
    bad.write_text("YOUR_API_KEY")
    bad.chmod(0o600)
    result = check(f"file:{bad}", "env:SECOND")
    assert result["exit_code"] == 0
    assert "is a placeholder" in result["findings"][0]["what"]


def test_each_link_is_asked_about_on_its_own(api: FakeGemini, two_keys: None) -> None:
    result = check("--each", "env:FIRST", "env:THIRD", "env:SECOND")
    assert [one["verdict"] for one in result["checks"]] == ["refused", "no_key", "accepted"]
    assert [one["provider"] for one in result["checks"]] == ["env:FIRST", "env:THIRD", "env:SECOND"]
    assert result["exit_code"] == 1
    assert check("--each", "env:THIRD", "env:SECOND")["exit_code"] == 0
    assert check("--each", "env:THIRD", "env:FOURTH")["exit_code"] == 1
    page = invoke("check", "--each", "env:FIRST", "env:THIRD", "env:SECOND").stdout
    for state, name in (("refused", "FIRST"), ("absent", "THIRD"), ("accepted", "SECOND")):
        assert f"  {state:<13} env:{name}" in page.splitlines()


@pytest.mark.parametrize("name", REFUSALS)
def test_every_answer_of_the_table_has_a_meaning_and_a_code(
    name: str, api: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = REFUSALS[name]
    monkeypatch.setenv("GEMINI_API_KEY", OLD)
    api.revoke(OLD, refusal=name)
    result = check()
    (one,) = result["checks"]
    assert one["answers"][-1]["status"] == refusal.status
    codes = {"rejected": {1}, "not_ours": {1, 2}, "untouched": {2, 3}}
    assert result["exit_code"] in codes[refusal.verdict]
    assert one["remedy"]
    assert "genai-credentials check" not in one["run_next"]
    assert not any("unset" in cause for cause in one["likely_causes"]) or one["verdict"] == "no_key"


def test_the_gateways_refusal_says_whose_it_is_and_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", OLD)
    with FakeGemini(refusal="rix_api_error") as gateway:
        (one,) = check("--base-url", gateway.base_url)["checks"]
        assert one["cause"] == "gateway"
        assert one["likely_causes"][0].startswith("The wrong gateway")
        assert f"genai-credentials check --each --base-url {gateway.base_url}" in one["run_next"]
        done = invoke("check", "--base-url", gateway.base_url)
        monkeypatch.setenv("GEMINI_API_KEY", TOKEN)
        (other,) = check("--base-url", gateway.base_url)["checks"]
        assert other["likely_causes"][0].startswith("The token has expired")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Refused (401 gateway): 127.0.0.1:")
    assert max(map(len, lines)) <= 80


def test_the_wrong_project_is_named(api: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", OLD)
    api.revoke(OLD, refusal="SERVICE_DISABLED")
    (one,) = check()["checks"]
    assert "123456789012" in one["meaning"]
    assert "wrong project" in one["likely_causes"][0]


@pytest.mark.parametrize(
    ("key", "host", "words"),
    [
        (AUTH, "us-central1-aiplatform.googleapis.com", "Vertex AI refuses keys of Google AI Studio"),
        (TOKEN, "generativelanguage.googleapis.com", "Google has no such keys"),
        (LIVE, "gateway.example", "which is not Google"),
        ("auth_tokens/NeverToBeSeen", "gateway.example", "works only with the Live API"),
    ],
)
def test_a_key_at_the_wrong_endpoint_is_minded(
    key: str, host: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", key)
    # A proxy that isn't there: nothing leaves this machine.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    result = check("--base-url", f"https://{host}")
    assert words in " ".join(finding["what"] for finding in result["findings"])
    assert result["exit_code"] == 3


def test_nothing_is_minded_about_the_right_key_at_google(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", AUTH)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    result = check()
    assert (result["base_url"], result["findings"]) == ("generativelanguage.googleapis.com", [])


def test_quotes_and_two_variables_are_minded(api: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", f"'{LIVE}'")
    monkeypatch.setenv("GEMINI_API_KEY", OLD)
    words = " ".join(finding["what"] for finding in check()["findings"])
    assert "both set, and differ" in words
    assert "had quotes around it" in words


def test_no_key_is_code_1_and_lists_the_links(api: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    result = check("env:", "file:/nowhere")
    assert (result["checks"][0]["verdict"], result["exit_code"]) == ("no_key", 1)
    assert "GEMINI_API_KEY are unset" in invoke("check").stdout.replace("\n", " ")
    monkeypatch.setenv("GEMINI_API_KEY", "YOUR_API_KEY")
    assert "is a placeholder" in json.dumps(check())
    assert api.requests == []


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ('{"models": []}', "accepted"),
        ("<html>Log in</html>", "unknown"),
        ('{"error": {"message": "x"}}', "unknown"),
        ("[]", "unknown"),
    ],
)
def test_a_200_has_to_be_a_list_of_models(
    body: str, verdict: str, api: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", LIVE)
    api.answer_next(200, body)
    assert check()["checks"][0]["verdict"] == verdict


FORBIDDEN = {
    "nothing": "",
    "nginx": "<html><head><title>403 Forbidden</title></head><center>nginx</center></html>",
    "aws api gateway": '{"message":"Forbidden"}',
    "cloudflare": "error code: 1020",
    "one-api": '{"error":{"message":"用户额度不足","type":"new_api_error","code":"insufficient_user_quota"}}',
    "google's front door": "<title>Error 403 (Forbidden)!!1</title>",
    "a proxy": "Access Denied (policy_denied)",
}


@pytest.mark.parametrize("status", [403, 404, 429, 502])
@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_something_in_front_of_the_api_says_proves_no_key(
    name: str, status: int, api: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy's 403 was once called "the key is live, its setup wrong"."""
    monkeypatch.setenv("GEMINI_API_KEY", LIVE)
    api.answer_next(status, FORBIDDEN[name], times=9)
    result = check()
    assert result["exit_code"] == 3
    assert result["checks"][0]["verdict"] in ("unknown", "not_the_key")
    assert not any(word in json.dumps(result) for word in ("is genuine", "key is live", "key was accepted"))


@pytest.mark.parametrize(
    ("status", "body", "cause", "code"),
    [
        (403, '{"error":{"message":"该令牌无权访问模型 x","type":"new_api_error"}}', "gateway_forbidden", 2),
        (401, '{"error":{"message":"Incorrect API key provided. See https://platform.openai.com/x"}}', "openai", 1),
        (401, '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}', "anthropic", 1),
        (401, '{"error":{"message":"No auth credentials found","code":401}}', "no_key_sent", 1),
        (403, '{"error":{"message":"Your project has been denied access."}}', "project_denied", 1),
        (401, '{"error":{"details":[{"reason":"OVERLOADED_CREDENTIALS"}]}}', "OVERLOADED_CREDENTIALS", 2),
        (200, '{"error":{"message":"无效的令牌","type":"one_api_error"}}', "gateway", 1),
    ],
)  # fmt: skip
def test_who_answered_is_told_by_the_envelope(
    status: int, body: str, cause: str, code: int, api: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", LIVE)
    api.answer_next(status, body, times=9)
    result = check()
    assert (result["checks"][0]["cause"], result["exit_code"]) == (cause, code)


def test_ctrl_c_is_code_130_as_in_a_shell() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        program = "from genai_credentials.cli import main; main()"
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        line = [sys.executable, "-c", program, "check", "--timeout", "60", "--base-url", url]
        running = subprocess.Popen(line, stderr=subprocess.PIPE, env={**os.environ, "GEMINI_API_KEY": LIVE})
        silent.settimeout(60)
        connection, _ = silent.accept()
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=60)
        connection.close()
    assert running.returncode == 130
    assert b"Traceback" not in stderr


def test_what_has_no_connection_is_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", LIVE)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert check("--base-url", base_url)["checks"][0]["cause"] == "connection"
        listening.listen()
        silent = check("--timeout", "0.3", "--base-url", base_url)
    assert (silent["checks"][0]["cause"], silent["exit_code"]) == ("timeout", 3)
    with FakeGemini(LIVE, tls=True) as api:
        assert check("--base-url", api.base_url)["checks"][0]["cause"] == "tls"
    page = invoke("check", "--base-url", base_url)
    assert page.stdout.startswith("Could not tell: 127.0.0.1:")


def test_a_redirect_to_another_origin_says_that_no_key_arrived(
    api: FakeGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", LIVE)
    with FakeGemini(LIVE) as foreign:
        api.redirect("/models", foreign.base_url)
        (one,) = check()["checks"]
    assert (one["verdict"], one["answers"][0]["fingerprint"]) == ("no_key", None)
    assert "redirected" in " ".join(one["likely_causes"])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--base-url", "http://192.0.2.1"], "over plain http"),
        (["--base-url", "gateway"], "is not a URL of http or https"),
        (["--timeout", "0"], "is not a number of seconds from 0.1"),
        (["--base-url", "http://[::1"], "is not an http(s) URL"),
        (["--base-url", "https://[gateway]"], "is not an http(s) URL"),
        (["--base-url", "https://gate way.example"], "is not an http(s) URL"),
        (["--timeout", "nan"], "is not a number of seconds from 0.1"),
        (["--timeout", "inf"], "is not a number of seconds from 0.1"),
        (["--base-url", "http://192.0.2.1"], "--allow-plain-http"),
        (["gogle:x"], "Did you mean google:?"),
        (["aws:"], "at character 5"),
    ],
)
def test_an_option_that_cannot_work_is_code_2(arguments: list[str], word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", LIVE)
    done = invoke("check", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert word in done.stderr


def test_an_error_nobody_knows_is_named_by_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    from genai_credentials.cli import meanings

    class OddError(Exception):
        pass

    assert meanings.of_exception(OddError(LIVE)).title == "The request failed with OddError, before an answer arrived."


def test_the_key_before_is_known_when_the_store_goes_back_to_it(
    api: FakeGemini, secret_manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genai_credentials import GoogleSecretManager

    monkeypatch.setattr(
        uris,
        "GoogleSecretManager",
        lambda *where, transport=None: GoogleSecretManager(*where, client=secret_manager.client),
    )
    for text in (LIVE, OLD):
        secret_manager.add("projects/p/secrets/s", text)
    (one,) = check("google:projects/p/secrets/s")["checks"]
    assert one["verdict"] == "accepted"
    assert one["key"]["version"] == "1"


# Run


SHOW = "import os, sys; print(os.environ.get('GEMINI_API_KEY'), os.environ.get('GOOGLE_API_KEY'), sys.argv[1:])"


def test_run_gives_the_key_to_a_command_in_its_environment_alone() -> None:
    with open("/proc/self/cmdline") as probe:
        assert probe.read()
    look = "import os; print(os.environ['GEMINI_API_KEY']); print(open('/proc/self/cmdline').read())"
    done = command("run", "--uri", "env:MINE", "--", sys.executable, "-c", look, MINE=LIVE)
    key, line = done.stdout.splitlines()[:2]
    assert (done.returncode, key, done.stderr) == (0, LIVE, "")
    assert LIVE not in line


def test_run_passes_the_commands_options_and_exit_code() -> None:
    program = f"{SHOW}; sys.exit(41)"
    done = command("run", sys.executable, "-c", program, "--json", "-x", "--uri", GEMINI_API_KEY=LIVE)
    assert done.returncode == 41
    assert done.stdout == f"{LIVE} None ['--json', '-x', '--uri']\n"


def test_run_passes_signals() -> None:
    program = "import signal, sys; signal.signal(15, lambda *_: sys.exit(9)); print('up', flush=True); signal.pause()"
    line = [
        sys.executable,
        "-c",
        "from genai_credentials.cli import main; main()",
        "run",
        "--",
        sys.executable,
        "-c",
        program,
    ]
    environ = {**os.environ, "GEMINI_API_KEY": LIVE}
    with subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "up\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 9


def test_run_keeps_the_variable_away_that_would_win() -> None:
    other = command("run", "--uri", "env:MINE", "--", sys.executable, "-c", SHOW, MINE=LIVE, GOOGLE_API_KEY=OLD)
    assert other.stdout == f"{LIVE} None []\n"
    assert (
        other.stderr
        == "genai-credentials: GOOGLE_API_KEY holds another key. The command runs without GOOGLE_API_KEY.\n"
    )
    same = command("run", "--uri", "env:MINE", "--", sys.executable, "-c", SHOW, MINE=LIVE, GOOGLE_API_KEY=LIVE)
    assert (same.stdout, same.stderr) == (f"{LIVE} {LIVE} []\n", "")
    mine = command(
        "run",
        "--uri",
        "env:MINE",
        "--variable",
        "TOKEN",
        "--",
        sys.executable,
        "-c",
        "import os; print(os.environ['TOKEN'])",
        MINE=LIVE,
    )
    assert mine.stdout == f"{LIVE}\n"


@pytest.mark.parametrize(
    "before",
    [
        ["env:NONE", "env:MINE", "--"],
        ["env:NONE", "--variable", "GEMINI_API_KEY", "env:MINE", "--"],
        ["--uri", "env:NONE", "env:MINE", "--"],
        ["--json", "env:MINE", "--"],
    ],
)
def test_run_takes_uris_as_the_other_verbs_do(before: list[str]) -> None:
    done = command("run", *before, sys.executable, "-c", SHOW, "-x", "--", "env:y", MINE=LIVE)
    assert (done.returncode, done.stdout) == (0, f"{LIVE} None ['-x', '--', 'env:y']\n")


@pytest.mark.parametrize("before", [[], ["--"]])
def test_a_dash_dash_of_the_commands_own_is_left_alone(before: list[str]) -> None:
    done = command("run", *before, sys.executable, "-c", SHOW, "--", "env:y", GEMINI_API_KEY=LIVE)
    assert (done.returncode, done.stdout) == (0, f"{LIVE} None ['--', 'env:y']\n")


def run_document(*arguments: str) -> dict:
    done = invoke("run", "--json", *arguments)
    result = json.loads(done.stdout)
    jsonschema.validate(result, json.loads((SCHEMAS / "run.json").read_text()))
    assert (result["exit_code"], done.stderr) == (done.exit_code, "")
    return result


def test_run_without_a_key_or_a_command_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nothing = run_document("true")
    assert (nothing["cause"], nothing["exit_code"], len(nothing["links"])) == ("no_key", 1, 1)
    page = invoke("run", "true")
    assert (page.exit_code, page.stdout) == (1, "")
    assert page.stderr.startswith("No link has a key, so the command was not started.")
    monkeypatch.setenv("GEMINI_API_KEY", LIVE)
    assert run_document("no-such-command")["exit_code"] == 127
    plain = tmp_path / "plain"
    plain.write_text("x")
    plain.chmod(stat.S_IRUSR)
    assert run_document(str(plain))["exit_code"] == 126
    said = "genai-credentials: no-such-command: there is no such command on the PATH. Check its name.\n"
    assert invoke("run", "no-such-command").stderr == said
    assert "no-such-command" in run_document("no-such-command")["message"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--variable", LIVE, "true"], "--variable"),
        ([], "Missing argument"),
        (["--uri", "file:", "true"], "character 6"),
        (["file:", "--", "true"], "character 6"),
        (["env:", "true"], "'true' is not a URI.\nCOMMAND stands after --: cli run env: -- COMMAND"),
        (["env:"], "Missing argument: COMMAND.\nCOMMAND stands after --: cli run env: -- COMMAND"),
        (["env:", "--"], "Missing argument: COMMAND"),
        (["env:", "--nonsense", "--", "true"], "No such option: '--nonsense'"),
        (["gogle:x", "--", "true"], "Did you mean google:?"),
    ],
)
def test_run_with_a_wrong_option_is_code_2(arguments: list[str], word: str) -> None:
    done = invoke("run", *arguments)
    assert done.exit_code == 2
    assert word in done.stderr
    assert LIVE not in done.stderr


# No verb ever shows a key


SITUATIONS = {
    "status": ["status"],
    "status json": ["status", "--json"],
    "status offline": ["status", "--offline", "--json"],
    "status pasted": ["status", "file:{pasted}", "file:{broken}", "file:{json}", "file:{json}#none", "file:{binary}"],
    "status key as uri": ["status", OLD],
    "status key as name": ["status", f"google:{OLD}"],
    "status key as file": ["status", f"file:{OLD}", f"aws:{OLD}", f"env:{OLD}"],
    "status key as file json": ["status", "--json", f"file:{OLD}"],
    "key as verb": [OLD],
    "key as option": ["check", f"--{OLD}"],
    "key as value": ["check", "--timeout", OLD],
    "key as base url": ["check", "--base-url", f"https://{OLD}@127.0.0.1:1/{OLD}?key={OLD}"],
    "check": ["check"],
    "check json": ["check", "--json"],
    "check each": ["check", "--each", "env:", "file:{pasted}", "file:{broken}"],
    "check each json": ["check", "--each", "--json", "env:", "file:{pasted}", "file:{broken}"],
    "explain": ["explain", f"403 PERMISSION_DENIED. {{'error': {{'message': 'api_key:{OLD}', 'code': 403}}}}"],
    "explain json": ["explain", "--json", OLD],
    "explain option": ["explain", f"--{OLD}"],
    "watch": ["watch", "--count", "1"],
    "watch json": ["watch", "--count", "1", "--json", "file:{broken}", "file:{pasted}"],
    "run": ["run", "--", "true"],
    "run none": ["run", "--uri", "file:{broken}", "--", "true"],
    "run not found": ["run", "--", "no-such-command"],
    "run key as variable": ["run", "--variable", OLD, "--", "true"],
}


@pytest.fixture
def pasted(tmp_path: Path) -> dict[str, str]:
    texts = {
        "pasted": f'"{LIVE}"\n',
        "broken": f"{LIVE} {OLD}",
        "json": json.dumps({"key": LIVE}),
        "binary": f"\udcff{LIVE}",
    }
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    return {name: str(tmp_path / name) for name in texts}


def assert_no_key_in(text: str) -> None:
    for key in KEYS:
        for form in needles(key):
            assert form not in text


@pytest.mark.parametrize("refusal", ["API_KEY_INVALID", "CONSUMER_SUSPENDED", "rix_api_error"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_no_key_is_shown(
    situation: str, refusal: str, api: FakeGemini, pasted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", f"'{OLD}'")
    monkeypatch.setenv("GEMINI_API_KEY", AUTH)
    monkeypatch.setattr(os, "execvpe", lambda *_: None)
    for key in (OLD, AUTH):
        api.revoke(key, refusal=refusal)
    done = invoke(*(part.format(**pasted) if "{'" not in part else part for part in SITUATIONS[situation]))
    assert done.exit_code in range(4) or situation == "run not found"
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert_no_key_in(done.stdout + done.stderr)


@pytest.mark.parametrize("situation", ["status", "check json", "check each", "watch", "key as verb", "run none"])
def test_no_key_is_shown_by_a_process_either(situation: str, api: FakeGemini, pasted: dict[str, str]) -> None:
    environ = {"GOOGLE_API_KEY": f'"{OLD}"', "GEMINI_API_KEY": AUTH, "GOOGLE_SDK_PYTHON_LOGGING_SCOPE": "google"}
    done = command(*(part.format(**pasted) for part in SITUATIONS[situation]), **environ)
    assert done.returncode in range(4)
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout
    assert_no_key_in(done.stdout + done.stderr)
