"""Hyperlinks to the consoles for keys and secrets, for terminals that support hyperlinks.

Sources of the addresses: https://ai.google.dev/gemini-api/docs/api-key,
https://cloud.google.com/docs/authentication/api-keys, https://cloud.google.com/secret-manager/docs and
https://docs.aws.amazon.com/secretsmanager/latest/userguide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from rich.text import Text

AI_STUDIO = "https://aistudio.google.com/apikey"
CREDENTIALS = "https://console.cloud.google.com/apis/credentials"
_ARN = re.compile(r"arn:aws:secretsmanager:([a-z0-9-]+):\d+:secret:(.+)")


def linked(text: Text) -> Text:
    """The same line, with hyperlinks on the names of consoles and secrets.

    Rich writes a hyperlink only if the terminal supports colours. Otherwise the line stays unchanged.
    """
    for pattern, address_of in _PLACES:
        for found in pattern.finditer(text.plain):
            if address := address_of(found):
                text.stylize(f"link {address}", found.start(), found.end())
    return text


def _google_secret(found: re.Match[str]) -> str:
    project, secret = (quote(unquote(part), safe="") for part in found.groups())
    return f"https://console.cloud.google.com/security/secret-manager/secret/{secret}/versions?project={project}"


def _aws_secret(found: re.Match[str]) -> str:
    name, region = unquote(found[1]), found[2]
    if arn := _ARN.fullmatch(name):
        # The last six characters are added by AWS and do not belong to the name.
        region, name = arn[1], arn[2].rpartition("-")[0] or arn[2]
    if not region:
        return ""
    name = quote(name, safe="")
    return f"https://{region}.console.aws.amazon.com/secretsmanager/secret?name={name}&region={region}"


_PLACES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"Google AI Studio"), lambda _: AI_STUDIO),
    (re.compile(r"Google Cloud console > APIs & Services > Credentials"), lambda _: CREDENTIALS),
    (re.compile(r"\bgoogle:projects/([^/\s?#]+)/secrets/([^/\s?#]+)[^\s,;]*"), _google_secret),
    (re.compile(r"\baws(?:-agent)?:([^\s?#,;]+)(?:\?\S*?region=([a-z0-9-]+))?[^\s,;]*"), _aws_secret),
)
