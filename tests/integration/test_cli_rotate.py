"""`genai-credentials rotate` as a process of its own: exit codes, JSON, a terminal of 80 columns, an interrupt."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from genai_credentials.cli.app import cli
from genai_credentials.cli.rotate import _stoppable
from genai_credentials.key import fingerprint
from rotation import FIRST, NAME, SECRET, Stage

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/explanation/schemas/rotate.json").read_text())
PROGRAM = [sys.executable, "-c", "from genai_credentials.cli import main; main()"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


def rotate(stage: Stage, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    uri = () if any(":" in argument for argument in arguments) else ("file:key",)
    project = () if "--project" in arguments else ("--project", "acme")
    done = stage.cli("rotate", *uri, *project, "--prove-for", "0", *arguments, **environ)
    texts = [stage.keys.text(key_id) for key_id in stage.keys.keys]
    assert not [text for text in texts if text in done.stdout + done.stderr]
    return done


def document(done: subprocess.CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    assert done.returncode == code, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(result, SCHEMA)
    assert result["exit_code"] == code
    return result


# Documents and exit codes


def test_a_rotation_as_a_document(stage: Stage) -> None:
    result = document(rotate(stage, "--json"))
    (new,) = stage.minted()
    assert result == {
        "minted": new,
        "fingerprint": fingerprint(stage.keys.text(new)),
        "previous": fingerprint(FIRST),
        "stored": None,
        "retired": [],
        "left": [stage.first],
        "exit_code": 0,
    }


def test_a_leaked_key_goes_at_once(stage: Stage) -> None:
    result = document(rotate(stage, f"aws:{NAME}", "--retire-after", "0", "--json"))
    assert result["retired"] == [stage.first]
    assert stage.live() == [result["minted"]]
    assert stage.stored("aws") == stage.keys.text(result["minted"])


def test_a_secret_of_google_names_its_project(stage: Stage) -> None:
    done = stage.cli("rotate", f"google:{SECRET}", "--prove-for", "0", "--json")
    result = document(done)
    assert (result["minted"], result["stored"]) == (stage.minted()[0], "2")
    assert stage.stored("google") == stage.keys.text(result["minted"])


def test_several_places(stage: Stage) -> None:
    result = document(rotate(stage, f"file:{stage.path}", "--also", f"aws:{NAME}", "--json"))
    assert stage.stored("aws") == stage.stored("file") == stage.keys.text(result["minted"])


def test_a_dry_run_names_the_ids_and_changes_nothing(stage: Stage) -> None:
    plan = document(rotate(stage, "--dry-run", "--retire-after", "0", "--json"))
    assert stage.minted() == []
    result = document(rotate(stage, "--retire-after", "0", "--json"))
    assert (plan["mint"], plan["retire"]) == (result["minted"], result["retired"])


def test_the_status_and_the_way_back(stage: Stage) -> None:
    rotate(stage)
    keys = document(rotate(stage, "--status", "--json"))["keys"]
    assert [(key["id"], key["state"]) for key in keys] == [
        (stage.first, "superseded"),
        (stage.minted()[0], "serving"),
    ]
    back = document(rotate(stage, "--rollback", "--json"))
    assert (back["fingerprint"], back["left"]) == (fingerprint(FIRST), stage.minted())
    assert stage.stored("file") == FIRST


def test_a_young_key_is_left_alone(stage: Stage) -> None:
    document(rotate(stage, "--json"))
    result = document(rotate(stage, "--if-older-than", "1h", "--json"))
    assert (result["minted"], result["previous"]) == (None, None)


def test_nothing_was_changed_is_1(tmp_path: Path) -> None:
    with Stage(tmp_path, live_after=3600.0) as stage:
        result = document(rotate(stage, "--prove-timeout", "0.6", "--json"), 1)
        assert "was not accepted" in result["error"]
        assert result["remedy"]
        assert stage.stored("file") == FIRST
        assert stage.live() == [stage.first]


def test_partly_done_is_3_and_the_next_run_goes_on(stage: Stage) -> None:
    stage.aws.fail_always("AccessDeniedException", action="PutSecretValue")
    result = document(rotate(stage, f"aws:{NAME}", "--json"), 3)
    assert "PutSecretValue" in result["remedy"]
    stage.aws.fail_always(None)
    assert [document(rotate(stage, f"aws:{NAME}", "--json"))["minted"]] == stage.minted()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("env:",), "can only be read"),
        (("file:/x", "--status", "--rollback"), "exclude each other"),
        (("file:/x", "--retire-after", "soon"), "--retire-after: 'soon' is not a duration"),
        (("file:/x", "--base-url", "http://gateway.example"), "plain http"),
        (("file:/x", "--project", "No Project"), "is not a project's id"),
        (("nonsense",), "starts with a scheme"),
        (("file:/x", "--also", "env:"), "can only be read"),
        (("file:/x", "--prove-for", "60", "--prove-timeout", "30"), "--prove-timeout 30.0"),
    ],
)
def test_wrong_use_is_2(stage: Stage, arguments: tuple[str, ...], word: str) -> None:
    project = () if "--project" in arguments else ("--project", "acme")
    done = stage.cli("rotate", *project, *arguments)
    assert done.returncode == 2
    assert word in " ".join(done.stderr.split())
    assert stage.keys.methods == []


def test_a_project_is_needed_but_for_a_secret_that_names_one(stage: Stage) -> None:
    done = stage.cli("rotate", f"file:{stage.path}")
    assert (done.returncode, "--project is missing" in done.stderr) == (2, True)


def test_another_link_with_the_same_key_is_warned_of(stage: Stage) -> None:
    other = stage.folder / "other"
    other.touch(mode=0o600)
    other.write_text(FIRST)
    done = rotate(stage, GENAI_CREDENTIALS=f"file:{other} file:{stage.path}")
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert f"file:{other} holds the key {fingerprint(FIRST)} too, and this run does not rotate it" in text
    assert f"--also file:{other}" in text
    document(rotate(stage, "--json", GENAI_CREDENTIALS=f"file:{other} file:{stage.path}"))


def test_lines_for_a_log_fit_80_columns_and_have_no_colour(stage: Stage) -> None:
    done = rotate(stage, FORCE_COLOR="1")
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    for word in ("Making", "Storing", "Rotated.", "to be deleted by a later run"):
        assert word in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_3_and_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    with Stage(tmp_path, live_after=3600.0) as stage:
        line = [*PROGRAM, "rotate", f"file:{stage.path}", "--project", "acme", "--json"]
        process = subprocess.Popen(line, env=stage.environ(), stdout=subprocess.PIPE, text=True)
        stage.api.wait_for_requests(2, 120)
        process.send_signal(number)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 3
        assert "it continues" in json.loads(out)["remedy"]
        (new,) = stage.minted()
        stage.api.accept(stage.keys.text(new))
        assert document(rotate(stage, "--json"))["minted"] == new


def test_a_signal_that_a_finalizer_swallowed_ends_the_run_at_its_next_step() -> None:
    told: list[str] = []
    with _stoppable(told.append) as tell:
        tell("one")
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            tell("two")
    assert told == ["one"]


def test_the_key_is_in_no_argument_list_and_no_temporary_file(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    found: list[str] = []

    def look(name: str) -> None:
        texts = [stage.keys.text(key_id) for key_id in stage.keys.keys]
        places = [*folder.rglob("*"), *Path("/proc").glob("[0-9]*/cmdline")]
        for place in places:
            if place.is_file():
                found.extend(str(place) for text in texts if text.encode() in read(place))

    stage.on_effect = look
    stage.keys.on_call = look
    document(rotate(stage, "--json", "--retire-after", "0", TMPDIR=str(folder)))
    assert found == []
    assert list(folder.rglob("*")) == []
    notes = json.dumps(stage.keys.keys)
    assert not [key_id for key_id in stage.keys.keys if stage.keys.text(key_id) in notes]


def read(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError:
        return b""


# A terminal


class Terminal:
    """The command on a terminal of 80 columns."""

    def __init__(self, stage: Stage, *arguments: str) -> None:
        self.text = ""
        environ = {**stage.environ(), "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
        pid, self._file = pty.fork()
        if pid == 0:
            os.chdir(stage.folder)
            os.execve(PROGRAM[0], [*PROGRAM, "rotate", *arguments], environ)
        self._pid = pid

    def until(self, word: str, timeout: float = 120.0) -> None:
        """Wait until this is on the screen."""
        end = time.monotonic() + timeout
        while word not in self.text:
            assert time.monotonic() < end, self.text
            self._read(0.1)

    def type(self, text: str) -> None:
        """Type this."""
        os.write(self._file, text.encode())

    def wait(self) -> int:
        """The exit code."""
        while self._read(120.0):
            pass
        os.close(self._file)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    @property
    def lines(self) -> list[str]:
        """What was printed, without what steers the terminal."""
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text)
        return [line.rsplit("\r", 1)[-1] for line in plain.replace("\r\n", "\n").split("\n")]

    def _read(self, seconds: float) -> bool:
        if not select.select([self._file], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._file, 65_536)
        except OSError:
            return False
        self.text += data.decode(errors="replace")
        return bool(data)


# From 3.12 on, Python warns of a fork of a process with threads; the child calls exec at once.
ignore_fork = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@ignore_fork
def test_on_a_terminal_it_asks_before_the_first_deletion(stage: Stage) -> None:
    arguments = ("file:key", "--project", "acme", "--prove-for", "0", "--retire-after", "0")
    terminal = Terminal(stage, *arguments)
    terminal.until("Go on?")
    assert stage.first in terminal.text
    terminal.type("n\n")
    assert terminal.wait() == 1
    assert (stage.minted(), stage.live()) == ([], [stage.first])

    terminal = Terminal(stage, *arguments)
    terminal.until("Go on?")
    # Not within the moment in which readline sets itself up: it misses a Ctrl-C then.
    time.sleep(0.5)
    terminal.type("\x03")
    assert terminal.wait() == 130
    assert (stage.minted(), stage.live()) == ([], [stage.first])

    terminal = Terminal(stage, *arguments)
    terminal.until("Go on?")
    terminal.type("y\n")
    assert terminal.wait() == 0
    assert stage.live() == stage.minted()


@ignore_fork
@pytest.mark.parametrize("more", [(), ("--retire-after", "0", "--yes")], ids=["no deletion", "--yes"])
def test_on_a_terminal_it_does_not_ask_in_vain(stage: Stage, more: tuple[str, ...]) -> None:
    terminal = Terminal(stage, "file:key", "--project", "acme", "--prove-for", "0.4", *more)
    assert terminal.wait() == 0
    assert "Go on?" not in terminal.text
    assert max(map(len, terminal.lines)) <= 80
    shown = "\n".join(terminal.lines)
    assert "Rotated." in shown
    assert "Proving the key" in terminal.text
    texts = [stage.keys.text(key_id) for key_id in stage.keys.keys]
    assert not [text for text in texts if text in terminal.text]


def test_the_verb_is_in_the_help() -> None:
    assert "rotate" in cli.commands
