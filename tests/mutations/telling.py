"""What is told: log records and events."""

from __future__ import annotations

from .mutation import of

EVENTS = "integration/test_events.py::"

SECTIONS = {
    "Log records: `log.py`": of(
        "log.py",
        (
            "an exception from the application's logging fails the request",
            "except Exception as error:\n        # As the module logging",
            "except ZeroDivisionError as error:\n        # As the module logging",
            f"{EVENTS}test_what_the_applications_logging_raises_fails_no_call[broken_collector]",
        ),
        (
            "a log record is lost if the application uses the name of one of its attributes",
            "except KeyError:",
            "except ZeroDivisionError:",
            f"{EVENTS}test_an_attribute_that_the_application_has_taken_stays_theirs_and_the_others_are_ours",
        ),
        (
            "the report of a failed log handler contains the error that was being logged",
            "chain=False",
            "chain=True",
            f"{EVENTS}test_a_handler_that_raises_is_shown_as_logging_shows_it_and_nothing_it_failed_amid",
        ),
        (
            "a log record names the library's logging module as its place",
            "stacklevel=3",
            "stacklevel=1",
            f"{EVENTS}test_an_attribute_that_the_application_has_taken_stays_theirs_and_the_others_are_ours",
        ),
        (
            "log records of a call that outlives its fetch are lost",
            "            self.open = False\n",
            "",
            f"{EVENTS}test_what_a_call_logs_that_outlives_its_fetch_is_not_lost",
        ),
    ),
    "Events: `events.py`": of(
        "events.py",
        (
            "a listener that raises stops the other listeners",
            "except Exception as error:",
            "except ZeroDivisionError as error:",
            f"{EVENTS}test_a_listener_that_raises_harms_nobody",
        ),
        (
            "a listener is called from two threads at once",
            "while self.waiting and self._turn:\n"
            "                with suppress(IndexError):  # another thread took the turn first\n"
            "                    self._turn.pop()\n",
            "while self.waiting:\n                with suppress(IndexError):\n",
            f"{EVENTS}test_listeners_are_called_one_after_the_other_in_order",
        ),
        (
            "a caller waits for the listeners",
            'run(self.deliver, "genai-credentials-events")',
            "self.deliver()",
            f"{EVENTS}test_who_causes_an_event_waits_for_no_listener",
        ),
        (
            "a listener that asks for the key deadlocks with its fetch",
            "with inside(self):",
            "if True:",
            "unit/test_engine_rules.py::test_a_listener_that_asks_for_the_key_harms_no_fetch[refresh]",
        ),
        (
            "the events of a forked child wait for a listener that runs in its parent",
            "        self.waiting.clear()\n        self._turn = [True]",
            "        pass",
            "integration/test_processes.py::test_a_child_tells_of_its_own_events_alone",
        ),
    ),
}
