"""Runs a proxy from its start to its end. The end is a signal, or the end of the command behind the proxy."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from genai_credentials.proxy.server import Proxy

_ENDING = (signal.SIGTERM, signal.SIGINT)
_PASSED = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


class NotStarted(Exception):
    """The command behind the proxy could not be started.

    Attributes:
        error: The error of the operating system.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


async def until_a_signal(proxy: Proxy, sockets: Sequence[socket.socket], started: Callable[[], object]) -> None:
    """Serve until SIGTERM or SIGINT, then stop gracefully. A second signal stops at once.

    Args:
        proxy: The proxy.
        sockets: The listening sockets.
        started: Called once the proxy serves.
    """
    loop = asyncio.get_running_loop()
    first, second = asyncio.Event(), asyncio.Event()
    for number in _ENDING:
        loop.add_signal_handler(number, lambda: (second if first.is_set() else first).set())
    await proxy.start(sockets)
    started()
    await first.wait()
    stopping, hurry = asyncio.create_task(proxy.stop()), asyncio.create_task(second.wait())
    await asyncio.wait({stopping, hurry}, return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, hurry):
        task.cancel()
    results = await asyncio.gather(stopping, hurry, return_exceptions=True)
    if isinstance(results[0], asyncio.CancelledError):
        await proxy.stop(0.0)


async def for_a_command(
    proxy: Proxy,
    sockets: Sequence[socket.socket],
    started: Callable[[], object],
    command: Sequence[str],
    environ: dict[str, str],
) -> int:
    """Serve while a command runs. Signals are passed on to the command. Returns its exit code.

    Args:
        proxy: The proxy.
        sockets: The listening sockets.
        started: Called once the proxy serves.
        command: The command and its arguments.
        environ: The command's environment.

    Raises:
        NotStarted: The command could not be started.
    """
    await proxy.start(sockets)
    started()
    try:
        return await _run(command, environ)
    finally:
        await proxy.stop(0.0)


async def _run(command: Sequence[str], environ: dict[str, str]) -> int:
    passing = _Passing()
    try:
        child = await asyncio.create_subprocess_exec(*command, env=environ)
    except (OSError, ValueError) as error:
        raise NotStarted(error) from None
    passing.to(child)
    code = await child.wait()
    return code if code >= 0 else 128 - code


class _Passing:
    """Passes signals on to a command. Signals that come before the command has started are passed on at its start."""

    def __init__(self) -> None:
        self._child: asyncio.subprocess.Process | None = None
        self._early: list[signal.Signals] = []
        loop = asyncio.get_running_loop()
        for name in _PASSED:
            if number := getattr(signal, name, None):
                loop.add_signal_handler(number, self._pass, number)

    def to(self, child: asyncio.subprocess.Process) -> None:
        """Pass signals on to this command from now on.

        Args:
            child: The process of the command.
        """
        self._child = child
        for number in self._early:
            self._pass(number)

    def _pass(self, number: signal.Signals) -> None:
        # The terminal sends Ctrl-C and Ctrl-\ to all its processes, so the command has received the signal already.
        if number in (signal.SIGINT, signal.SIGQUIT) and _has_terminal():
            return
        if self._child is None:
            self._early.append(number)
        elif self._child.returncode is None:
            self._child.send_signal(number)


def _has_terminal() -> bool:
    try:
        return sys.stdin is not None and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
