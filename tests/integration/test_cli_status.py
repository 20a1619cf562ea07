"""`genai-credentials status` and `watch`: what the links of a chain have, once and as it lives."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from genai_credentials import GoogleSecretManager, uris
from genai_credentials.cli import output
from genai_credentials.cli.app import cli
from genai_credentials.cli.watch import Watched, picture
from genai_credentials.testing import AWSEmulator, SecretManagerEmulator

SCHEMAS = Path(__file__).parents[2] / "docs/explanation/schemas"
KEY, OTHER = "AIzaSyOne-NeverToBeSeen_0123456789", "AQ.Ab8Two-NeverToBeSeen_0123456789"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def status(*arguments: str) -> dict:
    done = run("status", "--json", *arguments)
    result = json.loads(done.stdout)
    jsonschema.validate(result, json.loads((SCHEMAS / "status.json").read_text()))
    assert result["exit_code"] == done.exit_code
    return result


def outcomes(result: dict) -> list[str]:
    return [link["outcome"] for link in result["links"]]


@pytest.fixture
def amazon(aws: AWSEmulator, monkeypatch: pytest.MonkeyPatch) -> AWSEmulator:
    """An AWS Secrets Manager that a stock boto3 finds by itself."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return aws


@pytest.fixture
def google(secret_manager: SecretManagerEmulator, monkeypatch: pytest.MonkeyPatch) -> SecretManagerEmulator:
    """A Google Secret Manager that the URIs lead to."""

    def make(resource: str, field: str | None = None, transport: None = None) -> GoogleSecretManager:
        return GoogleSecretManager(resource, field, client=secret_manager.client)

    monkeypatch.setattr(uris, "GoogleSecretManager", make)
    return secret_manager


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_every_link_is_asked_and_the_first_with_a_key_serves(
    amazon: AWSEmulator, google: SecretManagerEmulator, tmp_path: Path
) -> None:
    google.add("projects/p/secrets/s", OTHER)
    amazon.add("prod/gemini", json.dumps({"api_key": KEY}))
    file = written(tmp_path / "key", KEY)
    result = status(
        "env:",
        "google:projects/p/secrets/s",
        "aws:prod/gemini#api_key",
        "aws:prod/none",
        f"file:{file}",
        "google:projects/p/secrets/none",
    )
    assert outcomes(result) == ["absent", "serving", "standby", "broken", "standby", "broken"]
    assert result["serving"] == result["links"][1]["key"]
    assert (result["serving"]["version"], result["serving"]["kind"]) == ("1", "auth")
    assert result["links"][2]["key"]["kind"] == "standard"
    assert result["links"][4]["key"]["stored_seconds_ago"] < 60
    assert result["serving"]["stored_seconds_ago"] is None
    assert all(link["remedy"] for link in result["links"] if link["outcome"] in ("absent", "broken"))
    assert result["exit_code"] == 0


def test_the_chain_comes_from_the_environment_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert status()["chain"] == "default"
    monkeypatch.setenv("GENAI_CREDENTIALS", "env:MINE file:/nowhere")
    assert status()["chain"] == "GENAI_CREDENTIALS"
    assert [link["provider"] for link in status()["links"]] == ["env:MINE", "file:/nowhere"]
    assert status("env:")["chain"] == "arguments"


def test_links_are_asked_at_the_same_time_and_none_longer_than_fetch_timeout(
    amazon: AWSEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENAI_CREDENTIALS_FETCH_TIMEOUT", "0.6")
    amazon.add("slow", KEY)
    with amazon.hang():
        began = time.monotonic()
        result = status("aws:slow", "aws:slow", "aws:slow")
        assert time.monotonic() - began < 1.7
    assert outcomes(result) == ["broken"] * 3
    assert result["exit_code"] == 1


@pytest.mark.parametrize(
    ("text", "outcome", "word"),
    [
        (f'"{KEY}"\n', "serving", "quotes"),
        (f"{KEY}\n{KEY}", "broken", "white space inside"),
        ("YOUR_API_KEY", "broken", "placeholder"),
        (f"Bearer {KEY}", "broken", "Bearer"),
    ],
)
def test_what_was_pasted_badly_is_said(
    text: str, outcome: str, word: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = status(f"file:{written(tmp_path / 'key', text)}")
    assert outcomes(result) == [outcome]
    assert word in json.dumps(result)
    assert KEY not in json.dumps(result)


def test_a_file_that_others_can_read_is_minded(tmp_path: Path) -> None:
    path = written(tmp_path / "key", KEY)
    path.chmod(0o644)
    assert "readable by every user" in status(f"file:{path}")["findings"][0]["what"]


def test_two_variables_that_differ_are_minded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    monkeypatch.setenv("GEMINI_API_KEY", OTHER)
    (finding,) = status()["findings"]
    assert "both set, and differ" in finding["what"]
    assert status("env:GEMINI_API_KEY")["findings"] == []
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    assert status()["findings"] == []
    monkeypatch.setenv("GEMINI_API_KEY", "YOUR_API_KEY")
    assert "(not a key)" in status()["findings"][0]["what"]


def test_variables_that_turn_the_sdk_elsewhere_are_minded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://user:token@gateway.example:8443/token")
    vertex, gateway = status()["findings"]
    assert "Vertex AI" in vertex["what"]
    assert gateway["what"].endswith("requests go to gateway.example:8443.")


def test_offline_fetches_nothing(amazon: AWSEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINE", KEY)
    monkeypatch.setattr(
        "genai_credentials.cli.status._installed", lambda module: module != "google.cloud.secretmanager_v1"
    )
    file = written(tmp_path / "key", KEY)
    result = status(
        "--offline",
        "env:",
        "env:MINE",
        f"file:{file}",
        "file:/nowhere",
        "aws:prod/gemini",
        "google:projects/p/secrets/s?transport=grpc",
        "dotenv:/no",
    )
    assert outcomes(result) == ["absent", "unasked", "unasked", "absent", "unasked", "broken", "absent"]
    assert result["serving"] is None
    assert "genai-credentials[google]" in result["links"][5]["remedy"]
    assert amazon.reads == 0
    assert result["exit_code"] == 0
    assert status("--offline", "env:", "file:/nowhere")["exit_code"] == 1


def test_a_package_is_installed_or_not() -> None:
    from genai_credentials.cli.status import _installed

    assert _installed("boto3")
    assert not _installed("no_such.package")
    assert not _installed("no_such")


@pytest.mark.parametrize(
    ("arguments", "environ", "word"),
    [
        (["file:"], {}, "at character 6"),
        (["vault:x"], {}, "The scheme of this URI (character 1) is unknown"),
        ([], {"GENAI_CREDENTIALS": "aws:x?zone=1"}, "region="),
        ([], {"GENAI_CREDENTIALS_TTL": "soon"}, "GENAI_CREDENTIALS_TTL"),
        ([], {"GENAI_CREDENTIALS_TTL": "-1"}, "GENAI_CREDENTIALS_TTL='-1'"),
        ([KEY], {}, "39 characters" if len(KEY) == 39 else "characters"),
        ([f"google:{KEY}"], {}, "looks like an API key"),
        (["--no-such-option"], {}, "No such option"),
    ],
)
def test_a_chain_that_is_written_wrong_is_code_2_on_stderr(
    arguments: list[str], environ: dict[str, str], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    done = run("status", "--json", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert word in done.stderr
    assert KEY not in done.stderr


def test_a_plug_in_that_fails_is_code_2_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(uri: object) -> None:
        raise RuntimeError(KEY)

    monkeypatch.setitem(uris._SCHEMES, "mine", fail)
    done = run("status", "mine:x")
    assert (done.exit_code, done.stderr) == (
        2,
        "Error: mine: the plug-in for this scheme raised RuntimeError.\n"
        "Check the URI. If it is right, tell the author of the plug-in.\n",
    )


def test_the_page_for_people(amazon: AWSEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    amazon.add("prod/gemini", KEY)
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = run("status", "env:", "aws:prod/gemini", f"file:{written(tmp_path / 'k', OTHER)}", "aws:none")
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "The chain has 4 links, named on the command line."
    assert "  absent        env" in lines
    assert "* serving       aws:prod/gemini" in lines
    assert "  broken        aws:none" in lines
    assert "its file was written" in " ".join(done.stdout.split())
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    nothing = run("status")
    assert nothing.stdout.splitlines()[-1] == "No link has a key, so no request can be sent."


# The output itself


class Terminal:
    """Stands in for a terminal, or for one that knows no colours."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize(
    ("environ", "coloured"), [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False)]
)
def test_only_a_terminal_gets_colours(environ: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    # With both of them set, rich asks no further; pytest-xdist sets them.
    monkeypatch.delenv("LINES", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    output.Printer().say("word " * 30, lead="- ", style="red")
    assert ("\x1b[31m" in terminal.text) == coloured
    assert len(terminal.text.splitlines()) == 3


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_durations(seconds: float, text: str) -> None:
    assert output.for_a_while(seconds) == text


def test_what_looks_like_a_key_is_not_repeated_nor_are_control_characters() -> None:
    for text in (KEY, OTHER, "auth_tokens/0123456789abcdef", "sk-0123456789abcdef"):
        assert output.scrubbed(f"no such thing: {text}!") == "no such thing: <redacted>!"
    assert output.scrubbed("a\x1b[31mb\n") == "a?[31mb\n"


# Watch


def watch(*arguments: str) -> tuple[list[dict], int]:
    done = run("watch", "--json", "--interval", "0.05", *arguments)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        jsonschema.validate(line, json.loads((SCHEMAS / "watch.json").read_text()))
    return lines, done.exit_code


def test_watch_sees_a_rotation_and_an_outage(tmp_path: Path) -> None:
    path = written(tmp_path / "key", KEY)

    def act() -> None:
        for text in (OTHER, "YOUR_API_KEY", KEY):
            time.sleep(0.6)
            path.write_text(text)

    thread = threading.Thread(target=act)
    thread.start()
    lines, code = watch("--count", "60", "--ttl", "0.1", f"file:{path}")
    thread.join()
    assert code == 0
    happened = " / ".join(text for line in lines for text in line["happened"])
    assert "serving" in happened
    assert "is followed by" in happened
    assert "is broken: The stored value is a placeholder" in happened
    assert "has recovered" in happened
    assert lines[-1]["counters"]["rotations"] == 2
    assert lines[-1]["counters"]["failures"] >= 1


def test_watch_without_a_key_ends_with_code_1() -> None:
    lines, code = watch("--count", "2", "env:", "file:/nowhere")
    assert code == 1
    assert [line["state"] for line in lines] == ["EMPTY", "EMPTY"]
    assert len(lines[0]["happened"]) == 2
    assert lines[1]["happened"] == []


def test_watch_prints_plain_lines_when_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    done = run("watch", "--count", "2", "--interval", "0.05")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["time", "state", "key", "version", "refresh", "rotations", "failures"]
    assert len(lines) == 4
    assert lines[2].strip().startswith("serving")
    assert max(map(len, lines)) < 80


def test_watch_ends_at_ctrl_c() -> None:
    program = "from genai_credentials.cli import main; main()"
    environ = {**os.environ, "GEMINI_API_KEY": KEY, "PYTHONUNBUFFERED": "1"}
    line = [sys.executable, "-c", program, "watch", "--json", "--interval", "0.1"]
    with subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        first = json.loads(watching.stdout.readline())
        watching.send_signal(2)
        _, errors = watching.communicate(timeout=20)
    assert first["state"] == "FRESH"
    assert (watching.returncode, errors) == (0, "")


def test_a_key_that_is_lost_is_noticed() -> None:
    from genai_credentials import CredentialProvider

    with CredentialProvider(lambda: KEY) as credentials:
        watched = Watched(credentials)
        watched.look()
        credentials.close()
        assert watched.look().happened == ("no link has a key any more",)


def test_the_live_picture_fits_a_terminal(tmp_path: Path) -> None:
    from genai_credentials import CredentialProvider, Env, File

    with CredentialProvider(Env(), File(written(tmp_path / "key", KEY))) as credentials:
        sample = Watched(credentials).look()
    console = Console(width=80, height=24, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        console.print(picture(sample, deque([*sample.happened, "x" * 200])))
    lines = console.export_text().splitlines()
    assert len(lines) < 24
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert any(line.startswith("state         FRESH") for line in lines)


def test_the_live_screen_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(SystemExit) as ended:
        cli(["watch", "--count", "2", "--interval", "0.05"])
    assert ended.value.code == 0
    assert "press Ctrl-C to end" in terminal.text
    assert KEY not in terminal.text
