"""`rotate` and `put` when nobody reads their output: they end their work, and the exit code says so."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from genai_credentials.rotate import Rotate
from rotation import FIRST, Stage

ROTATE = ("rotate", "file:key", "--project", "acme", "--prove-for", "0")
PUT = ("put", "file:key", "--yes")
MINE = "AIzaSy-made-by-hand-too-00000000000000"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        stage.api.accept(MINE)
        yield stage


def unread(stage: Stage, *arguments: str, end: str) -> subprocess.CompletedProcess[str]:
    """The command with stdout at this end, fed with a key; its own exit code is the last line of what is printed."""
    line = f'"$0" -m genai_credentials "$@" {end}; echo "${{PIPESTATUS[0]}}" >&2'
    command = ["bash", "-c", line, sys.executable, *arguments]
    return subprocess.run(
        command, env=stage.environ(), cwd=stage.folder, input=MINE, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("command", "end"),
    [
        (ROTATE, "| true"),
        (ROTATE, ">&-"),
        ((*ROTATE, "--json"), ">/dev/full"),
        (PUT, "| true"),
        (PUT, ">&-"),
        ((*PUT, "--json"), ">/dev/full"),
    ],
)
def test_the_work_is_done_and_the_exit_code_says_so(stage: Stage, command: tuple[str, ...], end: str) -> None:
    done = unread(stage, *command, end=end)
    assert done.stderr.splitlines()[-1] == "0", done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert stage.stored("file") not in (FIRST, done.stdout)


@pytest.mark.parametrize(
    ("arguments", "code"), [(("status", "env:MINE"), 0), (("status", "env:NONE"), 1), (("fingerprint",), 0)]
)
def test_a_closed_stream_is_no_traceback(stage: Stage, arguments: tuple[str, ...], code: int) -> None:
    line = 'exec 3>&2; "$0" -m genai_credentials "$@" >&- 2>&-; echo "$?" >&3'
    command = ["bash", "-c", line, sys.executable, *arguments]
    environ = {**stage.environ(), "MINE": MINE}
    done = subprocess.run(command, env=environ, input=MINE, capture_output=True, text=True, timeout=120)
    assert done.stderr == f"{code}\n"


@pytest.mark.parametrize(
    "arguments", [("status", "env:MINE"), ("fingerprint", "env:MINE"), ("explain", "--json", "429")]
)
def test_a_full_disk_is_named(stage: Stage, arguments: tuple[str, ...]) -> None:
    command = ["bash", "-c", '"$0" -m genai_credentials "$@" >/dev/full', sys.executable, *arguments]
    environ = {**stage.environ(), "MINE": MINE}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: The output cannot be written: No space left on device.")
    assert "Traceback" not in done.stderr


def test_a_listener_that_fails_does_not_end_a_rotation(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    def fail(text: str) -> None:
        raise ValueError(text)

    report = Rotate(stage.store("file"), stage.issuer(), prove_for=0.0, base_url=stage.api.base_url, on_progress=fail)
    assert report.run().left == (stage.first,)
    assert {record.getMessage() for record in caplog.records if "on_progress" in record.getMessage()} == {
        "on_progress raised ValueError at a step of a rotation."
    }


def test_an_exit_code_is_the_commands_though_ctrl_c_came_while_a_text_was_run(tmp_path: Path) -> None:
    # Python marks a KeyboardInterrupt that leaves a text which is run, even if it is caught.
    (tmp_path / "sitecustomize.py").write_text(
        """
import sys
import genai_credentials.cli

def interrupt():
    raise KeyboardInterrupt

def main():
    try:
        eval("interrupt()")
    except KeyboardInterrupt:
        sys.exit(3)

genai_credentials.cli.main = main
"""
    )
    path = [str(tmp_path), *sys.path]
    done = subprocess.run(
        [sys.executable, "-m", "genai_credentials"], env={"PYTHONPATH": ":".join(path)}, capture_output=True, timeout=60
    )
    assert done.returncode == 3, done.stderr
