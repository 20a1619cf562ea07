"""The application that gunicorn serves in a storm: its parent loads it, and refreshes while it forks workers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from .parent import MODEL
from .subject import Report, provider

credentials = provider()
client = credentials.client(http_options={"base_url": os.environ["CHAOS_STICKY_API"]})
report = Report(os.environ["CHAOS_REPORT"], credentials)


def _refresh() -> None:
    while True:
        with suppress(Exception):
            credentials.refresh()
        time.sleep(0.05)


threading.Thread(target=_refresh, daemon=True).start()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Ask the API once."""
    began = time.monotonic()
    try:
        client.models.generate_content(model=MODEL, contents="hi")
    except Exception as error:
        report.ended(began, error)
    else:
        report.ended(began, None)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"asked"]
