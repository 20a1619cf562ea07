"""Parts that several shapes have in common."""

from __future__ import annotations

import json
import textwrap

from .answers import SERVICE, Answer


def camel(answer: Answer) -> str:
    return "".join(part.capitalize() for part in answer.code.split("_"))


def rows(answer: Answer) -> str:
    """The details as google-api-core prints them."""
    if not answer.reason:
        return ""
    metadata = "".join(f'metadata {{\n  key: "{name}"\n  value: "{value}"\n}}\n' for name, value in [
        ("service", SERVICE), *answer.metadata])  # fmt: skip
    return (
        f' [reason: "{answer.reason}"\ndomain: "googleapis.com"\n{metadata}, locale: "en-US"\n'
        f'message: "{answer.message}"\n]'
    )


def compact(answer: Answer) -> str:
    return json.dumps(answer.details, separators=(",", ":")) if answer.reason else ""


def boxed(text: str, width: int = 76) -> str:
    lines = [part for line in text.splitlines() for part in (textwrap.wrap(line, width) or [""])]
    frame = "─" * (width + 2)
    return "\n".join([f"╭{frame}╮", *(f"│ {line:<{width}} │" for line in lines), f"╰{frame}╯"])
