"""What this library says: the errors of its chains, options and stores. The words for stores are the shared table's."""

from __future__ import annotations

import re

from genai_credentials.cli.reading.phrases.phrase import OURS, REASON, phrases
from genai_credentials.troubles import AWS, GOOGLE, LATER, Trouble

_ERRORS = phrases(
    ("nocredentials", r"\bnocredentials\b", "no_key"),
    ("no provider of the chain has", "", "no_key"),
    ("invalidsecret", r"\binvalidsecret\b", "bad_secret"),
    ("the stored value", r"\bthe stored value (?:is|has|holds|starts)\b", "bad_secret"),
    ("missingdependency", "", "missing_package"),
    ("pip install 'genai-credentials[", "", "missing_package"),
    ("genai_credentials.errors.configurationerror", "", "configuration"),
    ("configurationerror:", r"(?:^|\n)configurationerror:", "configuration"),
    (("the scheme of this uri", "a provider's uri starts with a scheme"), "", "configuration"),
    ("a duration is a number of seconds", "", "configuration"),
    ("over plain http, and others could read it", "", "configuration"),
    ("is not an http(s) url", "", "configuration"),
    weight=OURS,
)


def _after_a_link(schemes: str, problem: str) -> str:
    """A pattern for a problem after the name of a link, as errors, `status()` and the log write it."""
    return rf"\b(?:{schemes}):[^\n]{{1,300}}?(?::|absent -|broken -) {problem}"


def _row(trouble: Trouble) -> tuple[str, str, str]:
    problem = trouble.problem.lower()
    passes = trouble.remedy == LATER or "throttles" in problem
    return problem, _after_a_link("aws|aws-agent|google", re.escape(problem).replace(r"\ ", " ")), (
        "store_outage" if passes else "store"
    )  # fmt: skip


# A NoCredentials lists such lines. It weighs more, because a link below may have been meant to serve.
_LINKS = phrases(
    *{trouble.problem: _row(trouble) for trouble in (*AWS.values(), *GOOGLE.values())}.values(),
    ("crc32c checksum is wrong", _after_a_link("google", r"[^\n]{0,60}crc32c checksum is wrong"), "store_outage"),
    ("no such file", _after_a_link("file|dotenv", "no such file"), "mount"),
    ("cannot be read (", _after_a_link("file|dotenv", r"cannot be read \("), "mount"),
    weight=REASON,
)
PHRASES = (*_ERRORS, *_LINKS)
