"""The tutorial, followed to the letter: its files written, its lines typed into terminals, its outputs compared.

Only the making of the virtual environment and pip are replaced, by the environment that runs the tests.
"""

import itertools
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r'^```(python|sh|text) title="([^"]+?)(?: shows)?"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
PROMPT = "\x01ready\x02"
SECONDS = 60.0

VARYING = (
    (r"\d\d:\d\d:\d\d", "TIME"),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"^request \d+:", "request N:"),
    (r"version [0-9a-f]{8}-[0-9a-f-]{27}", "version UUID"),
    (r"version [0-9a-f]{8}$", "version ID"),
    # A row of `watch`: the version, and when it looks again.
    (r"(FRESH +[0-9a-f]{8}) +[0-9a-f]{8} +\d+ s ", r"\1 ID SOON "),
)


def plain(line: str) -> str:
    """A line without what differs from one walk to the next."""
    for pattern, word in VARYING:
        line = re.sub(pattern, word, line)
    return line.rstrip()


def end_of(wanted: list[str], lines: list[str]) -> int | None:
    """Behind the last of the wanted lines; a refresh runs beside the requests, so theirs may come in between."""
    seen = [plain(line) for line in lines]
    for start in (number for number, line in enumerate(seen) if line == wanted[0]):
        left = wanted[1:]
        for number, line in enumerate(seen[start + 1 :], start + 1):
            if left and line == left[0]:
                del left[0]
            elif left and not line.startswith("request "):
                break
            if not left:
                return number + 1
        if not left:
            return start + 1
    return None


class Terminal:
    """A shell on a terminal of its own, typed into and read."""

    def __init__(self, name: str, home: Path) -> None:
        self.name, self.lines, self._rest = name, [], ""
        master, slave = pty.openpty()
        self._master = master
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "HOME": str(home),
            "PS1": PROMPT,
            # No colours, and no picture that is drawn anew.
            "TERM": "dumb",
        }
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "--noediting", "-i"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=home,
            env=environ,
            start_new_session=True,
            preexec_fn=take_the_terminal,
        )
        os.close(slave)
        self.until_ready()
        self.type("stty -echo")
        self.until_ready()
        self.lines.clear()

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self._master, line.encode() + b"\n")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._master, b"\x03")

    def until_ready(self) -> list[str]:
        """Wait for the prompt; the lines before it."""
        self._read(lambda: PROMPT in self._rest)
        before, _, self._rest = self._rest.partition(PROMPT)
        # What stands before the prompt on its line is output without a line break.
        taken, self.lines = [*self.lines, *filter(None, [before.strip("^C\r\n")])], []
        return taken

    def until_shown(self, expected: list[str]) -> list[str]:
        """Wait until these lines have come, with nothing but requests in between; all lines until then."""
        wanted = [plain(line) for line in expected]
        self._read(lambda: end_of(wanted, self.lines) is not None)
        end = end_of(wanted, self.lines)
        taken, self.lines = self.lines[:end], self.lines[end:]
        return taken

    def _read(self, done) -> None:
        deadline = time.monotonic() + SECONDS
        while not done():
            ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{self.name} shows only:\n" + "\n".join([*self.lines, self._rest])
            self._rest += os.read(self._master, 65536).decode()
            *whole, self._rest = self._rest.replace("\r\n", "\n").split("\n")
            self.lines += whole

    def close(self) -> None:
        """Hang up: everything that was started in it ends."""
        self._shell.send_signal(signal.SIGHUP)
        os.close(self._master)
        self._shell.wait(10)


def take_the_terminal() -> None:
    """Make standard input the controlling terminal, so that Ctrl-C reaches what runs in the foreground."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Walk:
    """The page, followed block by block."""

    def __init__(self, home: Path) -> None:
        self.home, self.here = home, home
        self.terminals: dict[str, Terminal] = {}
        self.busy: set[str] = set()
        self.seen: dict[str, list[str]] = {}

    def follow(self, kind: str, title: str, text: str, shown: str) -> None:
        """Do what a block says, and compare what the one after it shows."""
        if kind == "python":
            (self.here / title).write_text(text)
            return
        if title not in self.terminals:
            self.terminals[title] = Terminal(title, self.home)
        if kind == "text":
            key = "^C" if text == "^C\n" else ""
            self.step(title, key, [] if key else text.splitlines())
            return
        *first, last = text.splitlines()
        for command in first:
            self.step(title, command, [])
        self.step(title, last, shown.splitlines())

    def step(self, title: str, command: str, expected: list[str]) -> None:
        """One line of input, if any, and its output."""
        terminal = self.terminals[title]
        if command == "^C":
            terminal.interrupt()
            self.keep(title, terminal.until_ready())
            self.busy.discard(title)
            command = ""
        if command:
            assert title not in self.busy, f"{title} is busy"
            terminal.type(substituted(command))
        if command.startswith(("python app.py", "python fakes.py")):
            self.busy.add(title)
        if title in self.busy:
            self.keep(title, terminal.until_shown(expected))
        elif command:
            output = terminal.until_ready()
            assert [plain(line) for line in output] == [plain(line) for line in expected], command
        if command.startswith("mkdir "):
            self.here = self.home / command.split()[1]

    def keep(self, title: str, lines: list[str]) -> None:
        """Remember what a program has shown."""
        self.seen.setdefault(title, []).extend(lines)


def followed(blocks: list[tuple[str, str, str]]) -> Iterator[tuple[str, str, str, str]]:
    """The page's blocks, each with its answer: the next one, if it shows the output of the same terminal."""
    left = list(blocks)
    while left:
        kind, title, text = left.pop(0)
        answered = kind == "sh" and left and left[0][:2] == ("text", title) and left[0][2] != "^C\n"
        yield kind, title, text, left.pop(0)[2] if answered else ""


def substituted(command: str) -> str:
    """The line to type instead: an environment is there, and its packages are installed."""
    if command.startswith(("python3 -m venv ", "pip install ")):
        return "true"
    activated = f'export PATH="{Path(sys.executable).parent}:$PATH"'
    return command.replace(". .venv/bin/activate", activated)


@pytest.fixture
def walk(tmp_path):
    walk = Walk(tmp_path)
    yield walk
    for terminal in walk.terminals.values():
        terminal.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the page is for a POSIX shell")
def test_each_line_of_the_tutorial_works_as_shown(walk):
    blocks = BLOCK.findall(PAGE.read_text())
    assert len(blocks) == PAGE.read_text().count("\n```") / 2, "a block without a title is not followed"
    for block in followed(blocks):
        walk.follow(*block)
    shown = walk.seen["Terminal 2"]
    numbers = [int(line.split()[1].rstrip(":")) for line in shown if line.startswith("request ")]
    assert all(after in (before + 1, 1) for before, after in itertools.pairwise(numbers)), "a request was lost"
    assert numbers.count(1) == 2
    # The second rotation waited for the new key: nothing was refused.
    second = shown[
        len(shown) - shown[::-1].index(next(line for line in shown[::-1] if line.startswith("request 1:"))) :
    ]
    assert not [line for line in second if "rejected" in line or "replayed" in line]
    # No warning and no traceback in between.
    assert [
        line for line in shown if not re.match(r"  [a-z]+ [0-9a-f]{8}$|request \d+: pong: ping, with <", line)
    ] == []


def test_the_extra_that_is_installed_exists():
    (extra,) = re.findall(r"pip install -q '../genai-credentials\[(\w+)\]'", PAGE.read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert extra in project["optional-dependencies"]
