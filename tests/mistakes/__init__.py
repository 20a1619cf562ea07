"""What newcomers type wrongly, and what is said; `python -m tests.mistakes` writes docs/explanation/mistakes.md."""

from .in_python import IN_PYTHON, IN_SETTINGS
from .mistake import Mistake
from .on_the_command_line import IN_THE_ENVIRONMENT, ON_THE_COMMAND_LINE

SECTIONS: dict[str, list[Mistake]] = {
    "On the command line": ON_THE_COMMAND_LINE,
    "In the environment": IN_THE_ENVIRONMENT,
    "In Python": IN_PYTHON,
    "In a settings model": IN_SETTINGS,
}
"""Heading -> the mistakes below it."""
