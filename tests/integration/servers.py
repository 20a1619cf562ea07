"""Real servers, as processes of their own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def serving(directory: Path, *command: str, **environ: str) -> Iterator[tuple[str, int]]:
    """A server of what is in a directory; its socket listens already, so that nothing has to be waited for.

    Args:
        directory: Where it runs, and where its modules are.
        command: A module and its arguments; FD stands for the socket's number.
        environ: Further variables.

    Yields its address.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        number = str(listener.fileno())
        path = [str(directory), *filter(None, [os.environ.get("PYTHONPATH")])]
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.replace("FD", number) for part in command)],
            cwd=directory,
            # gunicorn puts a socket of its own below HOME.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "HOME": str(directory), **environ},
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield listener.getsockname()
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=10)
            # Also the workers, should the parent have left them behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            print(process.communicate()[0].decode())
