"""A spinner with the elapsed time, for a step that takes longer than half a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

from genai_credentials.cli.terminal import console_of, is_live, make_readable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

UNSEEN_FOR = 0.5
"""Seconds before the spinner is shown. Most steps end earlier, and show nothing."""

_FRAMES, _FRAMES_A_SECOND = "|/-\\", 8


class Spinner:
    """Shows a text and the elapsed time, from half a second on. It is shown only on a terminal.

    Args:
        text: The name of the step.
        console: The console; None means the console of stderr.
    """

    def __init__(self, text: str, console: Console | None = None) -> None:
        self.text = text
        self._console = console or console_of(sys.stderr)
        self._began = time.monotonic()
        self._timer: Timer | None = None
        self._live: Live | None = None

    def start(self) -> None:
        """Start the spinner. Without a terminal, nothing is shown."""
        if is_live(self._console):
            self._timer = Timer(UNSEEN_FOR, self._show)
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        """Remove the spinner from the screen."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
            self._timer = None
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _show(self) -> None:
        from rich.live import Live

        self._live = Live(
            get_renderable=self.picture,
            console=self._console,
            refresh_per_second=_FRAMES_A_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def picture(self) -> RenderableType:
        """The spinner at this moment, in one line at any width."""
        from rich.text import Text

        seconds = time.monotonic() - self._began
        frame = _FRAMES[int(seconds * _FRAMES_A_SECOND) % len(_FRAMES)]
        return Text(f"{frame} {seconds:>3.0f} s  {self.text}", no_wrap=True, overflow="crop")


@contextmanager
def waiting(text: str, console: Console | None = None) -> Iterator[None]:
    """Show a spinner while the with statement lasts. The arguments are those of `Spinner`."""
    make_readable()
    spinner = Spinner(text, console)
    spinner.start()
    try:
        yield
    finally:
        spinner.stop()
