"""Everything at once: `python -m tests.chaos --seconds 600`."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .busy import busy_loops
from .world import Loss, World

ROOT = Path(__file__).parents[2]
WORKERS = 2
LONGEST = 30.0


@dataclass
class Tally:
    """What came of a storm."""

    requests: int = 0
    lost: list[Loss] = field(default_factory=list)
    excused: Counter[str] = field(default_factory=Counter)
    hung: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    workers: int = 0
    summary: dict[str, Any] = field(default_factory=dict)

    def read(self, lines: list[dict[str, Any]], world: World) -> None:
        """Take in what the processes wrote."""
        for line in lines:
            if "began" in line:
                self._ended(line, world)
            elif "child" in line:
                self.hung.append(f"a child {line['child']}")
            elif "note" in line:
                self.notes[line["note"][:120]] += 1
            else:
                self.summary = line
                self.hung += [f"the thread {name}" for name in line["hung_threads"]]

    def _ended(self, line: dict[str, Any], world: World) -> None:
        self.requests += 1
        self.longest = max(self.longest, line["ended"] - line["began"])
        if "error" not in line:
            return
        loss = Loss(line["began"], line["ended"], line["error"], line.get("known", ""))
        if excuse := world.excuse(loss):
            self.excused[excuse] += 1
        else:
            self.lost.append(loss)


@contextmanager
def web(environ: dict[str, str], tally: Tally, stop: threading.Event) -> Iterator[None]:
    """gunicorn, whose workers end after a few requests, so that it forks all the time; and who asks it."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        number, home = listener.fileno(), environ["HOME"]
        options = [
            f"--bind=fd://{number}",
            "--preload",
            f"--workers={WORKERS}",
            "--worker-class=gthread",
            "--threads=2",
        ]
        limits = ["--max-requests=12", "--max-requests-jitter=12", f"--timeout={LONGEST:.0f}", "--graceful-timeout=20"]
        log = Path(home, "gunicorn.log")
        command = [sys.executable, "-m", "gunicorn", *options, *limits, "tests.chaos.web:app"]
        with log.open("w") as output:
            server = subprocess.Popen(
                command, cwd=ROOT, env=environ, pass_fds=[number], stdout=output, stderr=output, start_new_session=True
            )
        asking = threading.Thread(target=_ask_web, args=(listener.getsockname(), tally, stop), daemon=True)
        asking.start()
        try:
            yield
        finally:
            asking.join(2 * LONGEST)
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(server.pid, 9)
            server.wait()
            text = log.read_text()
            tally.workers = text.count("Booting worker")
            tally.hung += ["a worker of gunicorn"] * text.count("WORKER TIMEOUT")


def _ask_web(address: tuple[str, int], tally: Tally, stop: threading.Event) -> None:
    while not stop.is_set():
        connection = http.client.HTTPConnection(*address, timeout=2 * LONGEST)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except TimeoutError:
            tally.hung.append("a request to gunicorn")
        except OSError as error:
            tally.notes[f"a request to gunicorn met {type(error).__name__}"] += 1
        except http.client.HTTPException as error:
            tally.notes[f"a request to gunicorn met {type(error).__name__}"] += 1
        finally:
            connection.close()
        stop.wait(0.05)


def storm(seconds: float, seed: int) -> tuple[World, Tally]:
    """So many seconds of everything."""
    tally, stop = Tally(), threading.Event()
    with ExitStack() as stack:
        world = World(stack, seed)
        home = stack.enter_context(tempfile.TemporaryDirectory())
        environ = _environ(world, home)
        errors = stack.enter_context(Path(home, "stderr").open("w+"))
        stack.enter_context(busy_loops(4))
        stack.enter_context(web(environ, tally, stop))
        command = [sys.executable, "-m", "tests.chaos.subject", str(seconds), str(seed), environ["CHAOS_REPORT"]]
        subject = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=errors)
        works: list[Callable[[threading.Event], None]] = [world.rotate_until, world.trouble_until]
        threads = [threading.Thread(target=work, args=(stop,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            subject.wait(seconds + 5 * LONGEST)
        except subprocess.TimeoutExpired:
            tally.hung.append("the process as a whole")
            subject.kill()
        stop.set()
        for thread in threads:
            thread.join(10)
        report = Path(environ["CHAOS_REPORT"]).read_text()
        tally.read([json.loads(line) for line in report.splitlines()], world)
        errors.seek(0)
        if subject.returncode:
            tally.hung.append(f"the process ended with {subject.returncode}")
        if tally.hung:
            print(errors.read()[-60_000:], file=sys.stderr)
    return world, tally


def _environ(world: World, home: str) -> dict[str, str]:
    return {
        **os.environ,
        "HOME": home,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": world.aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "emulator",
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "AWS_DEFAULT_REGION": "us-east-1",
        "CHAOS_GOOGLE": world.google.target,
        "CHAOS_API": world.api.url("random"),
        "CHAOS_STICKY_API": world.api.url("sticky"),
        "CHAOS_REPORT": str(Path(home, "report")),
    }


def main(seconds: float, seed: int) -> int:
    """Print what came of it; 1 when a request was lost or something hangs."""
    world, tally = storm(seconds, seed)
    print("\n".join(_lines(world, tally, seconds)))
    print(f"longest stall {tally.longest:.2f} s; seed {seed}")
    return int(bool(tally.lost or tally.hung))


def _lines(world: World, tally: Tally, seconds: float) -> Iterator[str]:
    summary, sends = tally.summary, world.api.sends / max(1, tally.requests)
    yield f"{tally.requests} requests in {seconds:g} s, each sent {sends:.2f} times"
    faults = ", ".join(f"{name} {times}" for name, times in sorted(world.faults.items()))
    yield f"{world.rotations} rotations; faults: {faults}"
    yield f"{len(tally.lost)} lost that a key in a store would have served"
    for error, times in Counter(loss.error for loss in tally.lost).most_common(10):
        yield f"  {times} x {error}"
    yield from (f"  lost: {world.around(loss)}" for loss in tally.lost[:10])
    yield from (f"  {times} others failed: {reason}" for reason, times in tally.excused.most_common())
    yield f"{world.aws.reads} reads of AWS and {world.google.accesses} of Google, for {world.rotations} rotations"
    yield f"fetches of the first process: {summary.get('counters', {}).get('fetches')}"
    yield f"{summary.get('children')} children, {tally.workers} workers of gunicorn"
    yield f"{summary.get('interrupts')} interrupts, {summary.get('threads')} threads at the end"
    yield f"{len(tally.hung)} hung"
    yield from (f"  {what}" for what in tally.hung[:10])
    yield from (f"  note: {times} x {note}" for note, times in tally.notes.most_common(10))
