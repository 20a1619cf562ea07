"""docs/how-to/frameworks.md: its snippets, which are what the tests run, and its table, which is what they saw."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "frameworks.md"
SEEN = Path(__file__).with_name("seen.json")

FRAMEWORKS = {
    "adk": "google-adk",
    "ag2": "ag2",
    "agno": "agno",
    "autogen": "autogen-ext",
    "browser_use": "browser-use",
    "crewai": "crewai",
    "deepeval": "deepeval",
    "dspy": "dspy",
    "guidance": "guidance",
    "haystack": "google-genai-haystack",
    "instructor": "instructor",
    "langchain": "langchain-google-genai",
    "langgraph": "langgraph",
    "litellm": "litellm",
    "llama_index": "llama-index-llms-google-genai",
    "mem0": "mem0ai",
    "openai": "openai",
    "openai_agents": "openai-agents",
    "outlines": "outlines",
    "pydantic_ai": "pydantic-ai-slim",
    "semantic_kernel": "semantic-kernel",
    "smolagents": "smolagents",
    "strands": "strands-agents",
}
"""Each module's tool, by the name of its distribution: `test_<module>.py`, and the title of its snippets."""

WITHOUT_GENAI = {"autogen", "dspy", "guidance", "litellm", "openai", "openai_agents", "smolagents"}
"""Those that reach the API by other means than google-genai."""

HEADS = ["tool", "google-genai", "async by", "sync", "async", "stream", "async stream", "also", "on"]
COLUMNS = ("sync", "async", "stream", "async stream")
"""What has a column of its own; what else lived through a rotation is listed behind these."""

LONGEST = 8
"""Lines of code in a snippet; blank ones aren't counted."""

_TABLE = re.compile(r"(?<=-->\n\n)(?:\|.*\|\n)*")
_BLOCK = re.compile(r'^```python(?: title="([^"]*)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Seen(NamedTuple):
    """What one run saw of one tool.

    Args:
        snippets: The page's blocks that ran, those that all tools share left out.
        cells: Its row in the table.
    """

    snippets: list[str]
    cells: list[str]


def shared() -> list[str]:
    """The blocks that every snippet goes on from."""
    return [text for title, text in _BLOCK.findall(PAGE.read_text()) if not title]


def snippets(distribution: str) -> list[str]:
    """A tool's own blocks."""
    return [text for title, text in _BLOCK.findall(PAGE.read_text()) if title == distribution]


def titles() -> list[str]:
    """The tools that the page has a snippet for."""
    return [title for title, _ in _BLOCK.findall(PAGE.read_text()) if title]


def load() -> dict[str, Seen]:
    """What was seen, by the tool and by what sends its asynchronous requests."""
    return {name: Seen(**one) for name, one in json.loads(SEEN.read_text()).items()} if SEEN.exists() else {}


def note(distribution: str, cells: list[str]) -> None:
    """Keep what a run saw of a tool, and write the page's table anew."""
    seen = load() | {f"{distribution}, {cells[2]}": Seen(snippets(distribution), cells)}
    kept = {name: one._asdict() for name, one in sorted(seen.items())}
    SEEN.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(_TABLE.sub(lambda _: table(seen), PAGE.read_text(), count=1))


def table(seen: dict[str, Seen]) -> str:
    """The rows of everything that was seen."""
    rows = [seen[name].cells for name in sorted(seen)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (HEADS, ["---"] * len(HEADS), *rows))


def table_on_the_page() -> str:
    """The table as it stands there."""
    found = _TABLE.search(PAGE.read_text())
    return found[0] if found else ""
