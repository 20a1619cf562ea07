"""`genai-credentials demo`: as a process of its own, and its parts."""

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from rich.console import Console

from genai_credentials import cli as command
from genai_credentials.cli.app import cli
from genai_credentials.cli.demo import command as demo_module
from genai_credentials.cli.demo import view as demo_view
from genai_credentials.cli.demo.stage import PLAY, STORES, Stage, alone
from genai_credentials.cli.demo.view import Lines, Rotation, Screen, Snapshot, StoreRow, View

# The SDK's own, wherever aiohttp is installed; only the tests that run the demo in this process see it.
SDK_WARNING = "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"

SCHEMA = Path(__file__).parents[2] / "docs/explanation/schemas/demo.json"
UUID = "5e494bb5-740a-4e5b-b5dc-3e885010b014"
ROTATIONS = (
    Rotation("file", "fell_through", "c88c2de2", None, 8.4),
    *[Rotation("google", "rotated", "0c5635fc", str(number), 14.6) for number in range(1, 8)],
    Rotation("aws", "rotated", "de9ad0f0", UUID, 1017.2),
    Rotation("aws", "minted", "0f9c21aa", UUID, 12.5),
)
SNAPSHOT = Snapshot(
    stores=(
        StoreRow("Environment", "rejected", "acb4f126", None, False),
        StoreRow("File", "absent", "9cf6fdf2", None, False),
        StoreRow("Google Secret Manager", "unasked", "38cf9fd9", None, False),
        StoreRow("AWS Secrets Manager", "serving", "de9ad0f0", UUID, True),
    ),
    succeeded={"threads": 719_000, "asyncio": 607_000, "streams": 1_244_000},
    fetches=10,
    replays=61,
    rotations=ROTATIONS,
    happened=tuple(step.text for step in PLAY),
    seconds=4.5,
    complete=True,
)


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    program = "from genai_credentials.cli import main; main()"
    line = [sys.executable, "-W", "error::ResourceWarning", "-c", program, *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, env={**os.environ, **environ}, check=False)


# The whole


@pytest.fixture(scope="module")
def machine() -> subprocess.CompletedProcess[str]:
    return run("demo", "--json", "--seconds", "1.5")


def test_the_document_is_all_there_is_on_stdout(machine: subprocess.CompletedProcess[str]) -> None:
    assert (machine.returncode, machine.stderr) == (0, "")
    result = json.loads(machine.stdout)
    jsonschema.validate(result, json.loads(SCHEMA.read_text()))
    assert list(result) == ["sent", "failed", "fetches", "rotations", "seconds"]
    assert result["failed"] == 0
    assert result["sent"] > 20
    assert result["fetches"] == 1 + len(PLAY)
    assert result["seconds"] >= 1.5


def test_every_store_serves_and_every_rotation_is_picked_up(machine: subprocess.CompletedProcess[str]) -> None:
    rotations = json.loads(machine.stdout)["rotations"]
    assert [(rotation["store"], rotation["action"]) for rotation in rotations] == [step[:2] for step in PLAY]
    assert all(rotation["picked_up_ms"] > 0 for rotation in rotations)
    assert [rotation["version"] for rotation in rotations[:6]] == [None, None, None, "1", "2", "3"]
    assert len({rotation["version"] for rotation in rotations[6:]}) == 4
    assert len({rotation["fingerprint"] for rotation in rotations}) == len(PLAY)
    assert {rotation["store"] for rotation in rotations} == STORES.keys() - {"env"}


def test_it_ends_with_a_whole_rotation(machine: subprocess.CompletedProcess[str]) -> None:
    *_, last = json.loads(machine.stdout)["rotations"]
    assert (last["store"], last["action"]) == ("aws", "minted")
    assert last["picked_up_ms"] > 0


def test_the_users_own_cloud_settings_and_proxies_make_no_difference() -> None:
    dead = "http://127.0.0.1:9"
    done = run(
        "demo", "--seconds", "1",
        GOOGLE_API_KEY="AIzaTheUsersOwn", GOOGLE_GEMINI_BASE_URL="http://192.0.2.1", GOOGLE_GENAI_USE_VERTEXAI="true",
        AWS_PROFILE="nowhere", AWS_CONFIG_FILE="/nowhere", AWS_ENDPOINT_URL="http://192.0.2.1",
        SSL_CERT_FILE="/nowhere", HTTP_PROXY=dead, HTTPS_PROXY=dead, ALL_PROXY=dead, http_proxy=dead, grpc_proxy=dead,
        FORCE_COLOR="1",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "AIza" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 80
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(rf"{len(PLAY)} rotations, \d+ requests, 0 failed, in \d+\.\d s\.", last)


@pytest.mark.filterwarnings(SDK_WARNING)
def test_verbose_shows_the_log_on_stderr_and_no_key_and_nothing_is_left_running() -> None:
    before = set(threading.enumerate())
    done = CliRunner().invoke(cli, ["demo", "--seconds", "1", "--verbose"])
    assert done.exit_code == 0
    # The stock Google client's own thread, which gRPC lets go of in its own time, is nobody's load or server.
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not [name for name in left if name.startswith(("demo-", "fake-gemini", "SecretManager", "asyncio"))]
    assert "INFO: The key was rotated" in done.stderr
    assert "AIza" not in done.output


@pytest.mark.filterwarnings(SDK_WARNING)
def test_a_rotation_that_is_not_picked_up_ends_the_demo_with_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(self: Stage, step: object) -> float:
        # Not before: on a busy machine, the first request takes longer than that.
        monkeypatch.setattr(demo_module, "PICKED_UP_WITHIN", 0.3)
        for key in self.api.keys:
            self.api.revoke(key)
        return 0.0

    monkeypatch.setattr(Stage, "play", play)
    done = CliRunner().invoke(cli, ["demo", "--seconds", "1", "--json"])
    result = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [rotation["picked_up_ms"] for rotation in result["rotations"]] == [None]
    assert result["failed"] > 0
    assert done.stderr.splitlines() == [f"{result['failed']} x ClientError 400"]


@pytest.mark.filterwarnings(SDK_WARNING)
def test_a_start_without_a_single_success_ends_with_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "key", lambda self, store: "AIzaNeverSent")
    monkeypatch.setattr(demo_module, "PICKED_UP_WITHIN", 0.3)
    done = CliRunner().invoke(cli, ["demo", "--seconds", "1", "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["rotations"] == []


# What is missing


def test_a_missing_package_of_the_demo_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moto", None)
    monkeypatch.delitem(sys.modules, "moto.moto_server.werkzeug_app", raising=False)
    monkeypatch.delitem(sys.modules, "moto.moto_server", raising=False)
    done = CliRunner().invoke(cli, ["demo"])
    assert (done.exit_code, done.stdout) == (2, "")
    line, remedy = done.stderr.splitlines()
    assert "the package moto" in line
    assert remedy == "Run: pip install 'genai-credentials[all,demo]'"


@pytest.mark.parametrize("package", ["click", "rich"])
def test_a_missing_package_of_the_command_is_named_in_one_line(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "genai_credentials.cli.app")
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err == (
        f"The command genai-credentials needs the package {package}. Run: pip install 'genai-credentials[cli]'\n"
    )


def test_any_other_missing_module_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_credentials.cli.demo.command", None)
    monkeypatch.delitem(sys.modules, "genai_credentials.cli.app")
    with pytest.raises(ModuleNotFoundError, match=r"genai_credentials\.cli\.demo"):
        command.main()


def test_main_names_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["anything", "--version"])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert not stopped.value.code
    assert capsys.readouterr().out.startswith("genai-credentials ")


# The stage


def test_the_environment_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("NO_PROXY", "mine.example")
    before = dict(os.environ)
    with alone():
        assert "AWS_PROFILE" not in os.environ
        assert os.environ["NO_PROXY"] == "*"
    assert dict(os.environ) == before


def test_a_stage_that_cannot_be_set_closes_what_it_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    monkeypatch.setattr(stage, "put", lambda store: 1 / 0)
    with pytest.raises(ZeroDivisionError), stage:
        pass
    with pytest.raises(RuntimeError, match="not running"):
        _ = stage.api.base_url


# The picture


def drawn(snapshot: Snapshot) -> list[str]:
    console = Console(width=80, height=24, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        console.print(demo_view.screen(snapshot))
    return console.export_text().splitlines()


def test_the_picture_fits_a_terminal_of_80_by_24() -> None:
    lines = drawn(SNAPSHOT)
    # One for the summary, one for the prompt.
    assert len(lines) + 2 <= 24
    assert all(len(line.rstrip()) < 80 and "…" not in line for line in lines)


def test_the_picture_tells_who_serves_and_what_became_of_the_others() -> None:
    text = "\n".join(drawn(SNAPSHOT))
    assert re.search(r"Environment +refused by the API +acb4f126", text)
    assert re.search(r"File +no key here *$", text, re.MULTILINE)
    assert re.search(r"Google Secret Manager +not asked yet +38cf9fd9", text)
    assert re.search(r"▸ AWS Secrets Manager +serving +de9ad0f0 +5e494bb5", text)
    assert re.search(r"719,000 +607,000 +1,244,000 +2,570,000 +0 +61 +10", text)
    assert re.search(r"9 +AWS: new value put +de9ad0f0 +5e494bb5 +1017 ms", text)
    assert re.search(r"10 AWS: rotate makes a key, deletes the old +0f9c21aa +5e494bb5 +12 ms", text)


def test_a_rotation_that_was_missed_shows() -> None:
    missed = Snapshot(rotations=(Rotation("file", "rotated", "c88c2de2", None, None),), happened=("File: rewritten",))
    assert any(re.search(r"File: rewritten +c88c2de2 +never", line) for line in drawn(missed))


@pytest.mark.parametrize(
    ("snapshot", "flawless"),
    [
        (SNAPSHOT, True),
        (Snapshot(succeeded={"threads": 1}, failed=1, complete=True), False),
        (Snapshot(succeeded={"threads": 1}), False),
    ],
)
def test_only_a_demo_without_a_loss_is_flawless(snapshot: Snapshot, flawless: bool) -> None:
    assert snapshot.flawless is flawless


def test_the_live_screen_leaves_its_last_picture(capsys: pytest.CaptureFixture[str]) -> None:
    view = Screen(Console(force_terminal=True, width=80, height=24, color_system="standard"))
    with view.starting():
        pass
    with view.live(lambda: SNAPSHOT):
        view.rotated(ROTATIONS[0], "", 0.0)
    view.ended(SNAPSHOT)
    printed = capsys.readouterr().out
    assert "9  AWS: new value put" in printed
    assert "10 rotations, 2570000 requests, 0 failed, in 4.5 s." in printed


@pytest.mark.parametrize(
    ("terminal", "term", "as_json", "verbose", "expected"),
    [
        (True, "xterm", False, False, Screen),
        (True, "xterm", False, True, Lines),
        (True, "xterm", True, False, View),
        (True, "dumb", False, False, Lines),
        (False, "xterm", False, False, Lines),
    ],
)
def test_the_view_suits_the_output(
    terminal: bool, term: str, as_json: bool, verbose: bool, expected: type[View], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert type(demo_view.view_for(as_json=as_json, verbose=verbose)) is expected


@pytest.mark.parametrize(("columns", "expected"), [("60", Lines), ("78", Screen)])
def test_a_terminal_too_narrow_for_the_screen_gets_lines(
    columns: str, expected: type[View], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert type(demo_view.view_for(as_json=False, verbose=False)) is expected
