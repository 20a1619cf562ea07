"""Where a key may be, and why; each entry is one test and one who says it."""

from __future__ import annotations

from typing import NamedTuple


class Excuse(NamedTuple):
    """A module and a test of `tests/`, without parameters; the source that it is excused for; and the reason."""

    module: str
    test: str
    source: str
    reason: str


_RUN = "the key is given to the command that was asked for, and the test's command prints its environment"
_CHILD = "the test's own script prints the key that it was served, for the test to compare"

EXCUSES = (
    *(
        Excuse("integration/test_cli_check.py", test, "stdout of a child", _RUN)
        for test in (
            "test_run_gives_the_key_to_a_command_in_its_environment_alone",
            "test_run_keeps_the_variable_away_that_would_win",
            "test_run_passes_the_commands_options_and_exit_code",
        )
    ),
    *(
        Excuse("integration/test_processes.py", test, "stdout of a child", _CHILD)
        for test in (
            "test_a_hung_fetch_does_not_hold_up_the_interpreters_exit",
            "test_a_key_is_served_at_interpreter_shutdown_when_no_thread_can_be_started",
            "test_a_keyboard_interrupt_in_a_waiter_leaves_the_fetch_to_the_others",
            "test_multiprocessing_of_each_kind",
        )
    ),
    Excuse("unit/test_put_documents.py", "test_a_shell_reads_the_same_key", "stdout of a child", _CHILD),
)


def reason_for(test: str, source: str) -> str | None:
    """Why this source may show a key in this test; None if it may not."""
    name = test.partition("[")[0]
    for excuse in EXCUSES:
        if name == f"tests/{excuse.module}::{excuse.test}" and excuse.source == source:
            return excuse.reason
    return None
