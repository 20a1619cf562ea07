"""Fills the blocks of docs/reference-cli.md that show a command's help: `python -m tests.reference_cli`."""

import re
import sys
from pathlib import Path

from click.testing import CliRunner

from genai_credentials.cli.app import cli

PAGE = Path(__file__).parents[1] / "docs/reference-cli.md"
_BLOCK = re.compile(r'(^```text title="genai-credentials((?: \w+)?) --help"\n)(.*?)(^```$)', re.MULTILINE | re.DOTALL)


def filled(page: str) -> str:
    """The page, with the help as it is."""
    return _BLOCK.sub(lambda block: block[1] + help_of(block[2].strip()) + block[4], page)


def shown(page: str) -> set[str]:
    """The verbs whose help is on the page; "" for the help of the whole."""
    return {block[2].strip() for block in _BLOCK.finditer(page)}


def help_of(verb: str) -> str:
    """What --help prints for a verb, on 80 columns."""
    arguments = [*filter(None, [verb]), "--help"]
    # Two more than are written: click keeps them free.
    result = CliRunner(env={"COLUMNS": "80"}).invoke(cli, arguments, prog_name="genai-credentials")
    return result.stdout


if __name__ == "__main__":
    sys.stdout.write(f"{PAGE}\n")
    PAGE.write_text(filled(PAGE.read_text()))
