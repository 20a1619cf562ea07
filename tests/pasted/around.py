"""What logs, terminals, pages and people put around a text, or make of it."""

from __future__ import annotations

import html
import json
from collections.abc import Callable

from .forms import boxed


def _before_each_line(prefix: str) -> Callable[[str], str]:
    return lambda text: "\n".join(prefix + line for line in text.splitlines())


AROUND: dict[str, Callable[[str], str]] = {
    "kubernetes": _before_each_line("2026-05-02T09:14:07.118201Z stderr F "),
    "docker compose": _before_each_line("app-1  | "),
    "syslog": _before_each_line("May  2 09:14:07 host app[812]: "),
    "a quotation": _before_each_line("> "),
    "a log in JSON": lambda text: json.dumps({"level": "error", "ts": 1.5, "msg": text}),
    "a log in JSON in JSON": lambda text: json.dumps({"log": json.dumps({"msg": text}), "stream": "stderr"}),
    "Python's repr": repr,
    "Python's bytes": lambda text: repr(text.encode()),
    "one line": lambda text: " ".join(text.split()),
    "a box": lambda text: boxed(text, 100),
    "colours": lambda text: f"\x1b[31m{text}\x1b[0m",
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "a page": lambda text: f"<pre>{html.escape(text)}</pre>",
    "a cell": lambda text: '2026-05-02,error,"' + text.replace('"', '""') + '"',
    "an issue": lambda text: f"This is what I see:\n\n```\n{text}\n```\n\nAny idea? Thanks!",
    "a start before": lambda text: f"INFO:     Started server process [12]\nINFO:     Waiting for startup.\n{text}",
    "frames after": lambda text: f"{text}\n    at async main (/app/index.js:12:3)",
}
