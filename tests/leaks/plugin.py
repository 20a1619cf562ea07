"""A pytest plug-in that searches all that is logged, warned of or printed, of every library, for every key in use.

    python -m pytest -p tests.leaks.plugin -n 2 --dist loadfile

Each test's records, warnings and output are searched when it has ended, for each key that the process has met so far.
A hit fails the run; `--no-redaction` makes `redact_logs=False` the default, to show that the search finds something.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from tests.leaks import outputs, records, spool
from tests.leaks.search import Search, Tally

_search = Search()
_total = Tally()
_modules: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one option: everything else is the same with redaction and without."""
    parser.addoption("--no-redaction", action="store_true", help="make redact_logs=False the default of the providers")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen, before anything that logs is imported."""
    if config.getoption("--no-redaction"):
        os.environ[spool.REDACTION_OFF] = "1"
    if _controls_workers(config):
        return
    _let_google_print()
    spool.open_for_children(_search)
    spool.begin(_search)
    outputs.watch(_search)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """Search what a test left, its fixtures' end included; each module starts as in a process of its own."""
    module = item.nodeid.partition("::")[0]
    if _modules[-1:] != [module]:
        _modules.append(module)
        records.as_in_a_new_process(_search)
    try:
        return (yield)
    finally:
        spool.collect(_search)
        _search.run(item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """Keep what pytest captured of the file descriptors."""
    report = yield
    for title, text in report.sections:
        if not title.startswith("Captured log"):
            _search.output(title.removeprefix("Captured ").rpartition(" ")[0], text)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the figures to whoever reports them, and fail if there was a hit."""
    config = session.config
    if not _controls_workers(config):
        spool.collect(_search, last=True)
        _search.run("(after the last test)")
        _total.add(_search.tally)
    if hasattr(config, "workeroutput"):
        config.workeroutput["leaks"] = _total.as_text()
    elif _total.hits and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Add up what a worker of xdist found."""
    _total.add(Tally.from_text(node.workeroutput["leaks"]) if hasattr(node, "workeroutput") else Tally(lost=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was searched, and where a key was."""
    terminalreporter.section("leaks")
    for line in _total.lines():
        terminalreporter.write_line(line)


def _let_google_print() -> None:
    """Have Google's libraries print their records too; now, since the tests have no such variable."""
    from google.api_core import client_logging

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", "google")
        client_logging.initialize_logging()


def _controls_workers(config: pytest.Config) -> bool:
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")
