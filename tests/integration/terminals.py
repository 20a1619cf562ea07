"""A command on a terminal of its own, as wide as wished."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


class CommandOnTerminal:
    """`genai-credentials` on a pseudo-terminal.

    Args:
        arguments: Its arguments.
        columns: How wide the terminal is.
        environ: Variables beside the process's own; None takes one away.
    """

    seconds = 60.0
    """How long to wait for a text, or for the end."""

    def __init__(self, *arguments: str, columns: int = 80, **environ: str | None) -> None:
        self.shown = b""
        bare = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        wished = {**bare, "TERM": "xterm-256color", **environ}
        named = {name: value for name, value in wished.items() if value is not None}
        self.pid, self._handle = pty.fork()
        if not self.pid:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            # Named: readline sets COLUMNS and LINES past Python's own view of the environment.
            os.execve(sys.executable, [sys.executable, "-m", "genai_credentials", *arguments], named)

    def wait_for(self, text: str) -> None:
        """Wait until a text is shown."""
        give_up = time.monotonic() + self.seconds
        while text.encode() not in self.shown:
            assert time.monotonic() < give_up, self.shown
            assert self._read() or text.encode() in self.shown, self.shown

    def type(self, text: str) -> None:
        """Type a text; not within the moment in which readline sets itself up."""
        time.sleep(0.3)
        os.write(self._handle, text.encode())

    def end(self) -> int:
        """Wait for its end; its exit code."""
        give_up = time.monotonic() + self.seconds
        while self._read():
            if time.monotonic() > give_up:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"it goes on: {self.shown!r}")
        os.close(self._handle)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        if not select.select([self._handle], [], [], 0.5)[0]:
            return True
        try:
            data = os.read(self._handle, 65_536)
        except OSError:
            return False
        self.shown += data
        return bool(data)


def on_terminal(*arguments: str, columns: int = 80, **environ: str | None) -> tuple[int, bytes]:
    """Its exit code, and all that was shown."""
    command = CommandOnTerminal(*arguments, columns=columns, **environ)
    code = command.end()
    return code, command.shown
