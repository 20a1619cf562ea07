"""Common parts of the fake stores: start and stop, a record of the calls, and ways to make a store fail or stall."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Generic, ParamSpec, Self, TypeVar

__all__ = ["Fault", "RefusedError", "StoreServer", "Workers", "missing"]

Detail = TypeVar("Detail")
P = ParamSpec("P")
T = TypeVar("T")


class Workers(futures.Executor):
    """An executor with one daemon thread for each task. A task that hangs does not delay the exit of the interpreter.

    The interpreter waits at its exit for the pools of `concurrent.futures`. A store that hangs on purpose would make it
    hang.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> futures.Future[T]:
        """Run `fn` in its own thread, at once."""
        future: futures.Future[T] = futures.Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=work, name=self._name, daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()
        return future

    def join(self, timeout: float) -> None:
        """Wait for the tasks under way.

        Args:
            timeout: Seconds to wait for each task at most.
        """
        with self._lock:
            threads = self._threads - {threading.current_thread()}
        for thread in threads:
            thread.join(timeout)


@dataclass(slots=True)
class Fault:
    """An error that a store answers on purpose.

    `method` is the call that gets it; None means every call. `remaining` is the number of these answers that are left;
    None means without end.
    """

    code: str
    message: str
    method: str | None
    remaining: int | None = None
    status: int = 0

    def applies(self, method: str) -> bool:
        """Whether a call of `method` gets this error."""
        return self.method in (None, method)


class StoreServer(Generic[Detail]):
    """A secret store on loopback whose failures and delays a test controls.

    The content of an answer is fixed when the call arrives. `hold` and `delay` only send it later, like a slow network.
    Therefore an answer that is held during a rotation still contains the old key.
    """

    _read: ClassVar[str]

    def __init__(self, port: int) -> None:
        self._port = port
        self._changed = threading.Condition()
        self._calls: list[tuple[str, Detail]] = []
        self._peers: set[str] = set()
        self._faults: list[Fault] = []
        self._always: Fault | None = None
        self._delay = 0.0
        self._held = False
        self._running = False
        self._pid = 0
        self._workers = Workers(type(self).__name__)

    # -- life cycle ---------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start to listen. After a `close`, the server listens again on the same port with the same secrets."""
        if not self._running:
            self._running, self._pid = True, os.getpid()
            try:
                self._open()
            except BaseException:
                self._running = False
                raise
        return self

    def close(self) -> None:
        """Stop listening and cut off the calls under way.

        A second call does nothing, nor does a call in a forked child.
        """
        # A child has the state of the parent but none of its threads. It would wait for these threads without end.
        if not self._running or self._pid != os.getpid():
            return
        with self._changed:
            self._running = self._held = False
            self._changed.notify_all()
        self._shut()
        self._workers.join(2.0)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _open(self) -> None:
        raise NotImplementedError

    def _shut(self) -> None:
        raise NotImplementedError

    def _address(self) -> str:
        if not self._port:
            raise RuntimeError(f"{type(self).__name__} has no address yet: call start(), or use it in a with statement")
        return f"127.0.0.1:{self._port}"

    # -- calls --------------------------------------------------------------------------------------------------

    @property
    def calls(self) -> list[tuple[str, Detail]]:
        """A copy of the calls received so far, oldest first. Calls of this object's methods are not in the list."""
        with self._changed:
            return list(self._calls)

    @property
    def peers(self) -> set[str]:
        """The addresses from which calls came, one for each connection of a client."""
        with self._changed:
            return set(self._peers)

    def wait_for_calls(self, n: int, timeout: float = 10.0) -> int:
        """Wait until `n` calls were received, and return the number of calls.

        Args:
            n: The number of calls since the start of this server, including held and refused calls.
            timeout: Seconds to wait at most.

        Raises:
            TimeoutError: Fewer calls came in this time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._calls) >= n, timeout):
                raise TimeoutError(f"{len(self._calls)} of {n} calls came within {timeout:g} s")
            return len(self._calls)

    def _count(self, method: str) -> int:
        with self._changed:
            return sum(called == method for called, _ in self._calls)

    def _record(self, method: str, detail: Detail, peer: str) -> None:
        with self._changed:
            self._calls.append((method, detail))
            self._peers.add(peer)
            self._changed.notify_all()

    # -- failing and stalling -----------------------------------------------------------------------------------

    def delay(self, seconds: float) -> None:
        """Answer every later read with a delay.

        Args:
            seconds: The delay in seconds; 0 ends the delay for the next reads.
        """
        with self._changed:
            self._delay = seconds

    def hold(self) -> None:
        """Hold the answers to reads until `release` or `close`."""
        with self._changed:
            self._held = True

    def release(self) -> None:
        """Send the answers that are held, and hold no more answers."""
        with self._changed:
            self._held = False
            self._changed.notify_all()

    @contextmanager
    def hang(self) -> Iterator[None]:
        """Hold the answers to reads until the with statement ends."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    def _stall(self) -> bool:
        """Wait as long as `hold` and `delay` demand. Returns False if the server was closed meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._running and self._held))
            if self._delay:
                self._changed.wait_for(lambda: not self._running, self._delay)
            return self._running

    def _plan(self, fault: Fault) -> None:
        with self._changed:
            self._faults.append(fault)

    def _plan_always(self, fault: Fault | None) -> None:
        with self._changed:
            self._always = fault
            # After "heal" no error may come, also not an error that was ordered earlier.
            if fault is None:
                self._faults.clear()

    def _fault(self, method: str) -> Fault | None:
        with self._changed:
            fault = next((fault for fault in self._faults if fault.applies(method)), None)
            if fault is None:
                return self._always if self._always and self._always.applies(method) else None
            assert fault.remaining is not None
            fault.remaining -= 1
            if fault.remaining <= 0:
                self._faults.remove(fault)
            return fault


class RefusedError(Exception):
    """The error that a store answers instead of a result: its code or type, its message and, over HTTP, the status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code, self.message, self.status = code, message, status


def missing(extra: str, error: ImportError) -> ImportError:
    """Return the error for a missing extra.

    Args:
        extra: The name of the extra whose packages are not installed.
        error: The error of the import.
    """
    return ImportError(
        f"{error}; this part of genai_credentials.testing needs: pip install 'genai-credentials[{extra}]'"
    )
