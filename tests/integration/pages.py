"""The pages' own code."""

import re
from pathlib import Path


def python_blocks(page: Path) -> list[tuple[str, str]]:
    """The Python blocks of a page, each with its title, "" without one."""
    return re.findall(r'^```python(?: title="([^"]*)")?\n(.*?)^```$', page.read_text(), re.MULTILINE | re.DOTALL)


def untitled(page: Path) -> list[str]:
    """Those without a title, which run as they stand."""
    return [text for title, text in python_blocks(page) if not title]
