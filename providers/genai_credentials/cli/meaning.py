"""The shape of an explanation, and the commands that it can recommend."""

from __future__ import annotations

from typing import Any, NamedTuple

GATEWAY = "https://YOUR-GATEWAY"
STATUS = ("genai-credentials status", "which key serves on this machine, and why")
CHECK = ("genai-credentials check", "ask the API itself about that key")
CHECK_EACH = ("genai-credentials check --each", "ask about each link's key on its own")
CHECK_GATEWAY = (
    f"genai-credentials check --each --base-url {GATEWAY}",
    "ask the gateway about each link's key on its own",
)
CHECK_GOOGLE = (
    "genai-credentials check --base-url https://generativelanguage.googleapis.com",
    "is the same key good at Google itself?",
)


class Meaning(NamedTuple):
    """What an answer means.

    Args:
        verdict: A key of `causes.EXITS`.
        cause: A word for it, from a table; never from the answer.
        title: It in a sentence.
        causes: What is probably behind it, the likeliest first; empty where the title says it all.
        remedy: What to do about it; may be empty.
        run: Commands to run next, each with what it tells.
    """

    verdict: str
    cause: str
    title: str
    causes: tuple[str, ...] = ()
    remedy: str = ""
    run: tuple[tuple[str, str], ...] = (STATUS, CHECK)

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "verdict": self.verdict,
            "cause": self.cause,
            "meaning": self.title,
            "likely_causes": list(self.causes),
            "remedy": self.remedy,
            "run_next": [command for command, _ in self.run],
        }
