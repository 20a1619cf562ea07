"""The form of an explanation, and the commands that an explanation can recommend."""

from __future__ import annotations

from typing import Any, NamedTuple

GATEWAY = "https://YOUR-GATEWAY"
STATUS = ("genai-credentials status", "show which key serves here, and why")
CHECK = ("genai-credentials check", "ask the API about that key")
CHECK_EACH = ("genai-credentials check --each", "ask about the key of each link")
CHECK_GATEWAY = (
    f"genai-credentials check --each --base-url {GATEWAY}",
    "ask the gateway about the key of each link",
)
CHECK_GOOGLE = (
    "genai-credentials check --base-url https://generativelanguage.googleapis.com",
    "ask Google about the same key",
)


class Meaning(NamedTuple):
    """The explanation of an answer.

    Args:
        verdict: A key of `causes.EXITS`.
        cause: A word for the cause. It is from a table, never from the answer.
        title: The meaning of the answer, in a sentence.
        causes: The likely causes, with the likeliest first; empty if the title is enough.
        remedy: What to do next; may be empty.
        run: The commands to run next, each with its purpose.
    """

    verdict: str
    cause: str
    title: str
    causes: tuple[str, ...] = ()
    remedy: str = ""
    run: tuple[tuple[str, str], ...] = (STATUS, CHECK)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "verdict": self.verdict,
            "cause": self.cause,
            "meaning": self.title,
            "likely_causes": list(self.causes),
            "remedy": self.remedy,
            "run_next": [command for command, _ in self.run],
        }
