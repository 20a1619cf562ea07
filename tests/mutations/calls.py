"""How a provider is called: the links, their threads, whoever waits, and forks."""

from __future__ import annotations

from .mutation import of

RULES = "unit/test_engine_rules.py::"
ENGINE = "unit/test_engine.py::"
FLIGHT = "unit/test_flight.py::"
PROCESSES = "integration/test_processes.py::"
STALLED = "integration/test_stalled_connections.py::"
SHARED = "integration/test_shared_clients.py::"
FAULTS = "integration/test_faults.py::"
REPLACED = f"{ENGINE}test_a_call_that_hangs_is_replaced_twice_and_no_more"

SECTIONS = {
    "The links: `chain.py`": of(
        "chain.py",
        (
            "a call that hangs is repeated without bound",
            "len(self._still_hanging()) > MOST_ABANDONED or ",
            "",
            REPLACED,
        ),
        ("a call that hangs is never repeated", "MOST_ABANDONED = 2", "MOST_ABANDONED = 0", REPLACED),
        (
            "there is no pause after calls that hang",
            " or time.monotonic() < self._next_at",
            "",
            f"{ENGINE}test_after_a_call_that_hangs_comes_one_with_a_fresh_client_and_after_two_a_pause",
        ),
        (
            "a call that hangs is repeated with the same client",
            "            reconnect()",
            "            pass",
            f"{ENGINE}test_after_a_call_that_hangs_comes_one_with_a_fresh_client_and_after_two_a_pause",
        ),
        ("`fetch_timeout` does not bound a fetch", ".result(timeout)", ".result()", REPLACED),
        (
            "the provider gets no deadline",
            "set_deadline(timeout, in_all)",
            "pass",
            f"{FAULTS}test_at_a_start_the_error_lists_each_link_with_its_reason[google-unavailable-sync]",
        ),
        (
            "a fork waits for a call that was abandoned",
            "        job.abandon()\n",
            "",
            f"{PROCESSES}test_a_fork_waits_for_no_call_that_was_given_up",
        ),
        (
            "each failed fetch logs a warning",
            'before == "serving" if absent else before != "broken"',
            'before == "serving" if absent else True',
            f"{ENGINE}test_a_failed_refresh_keeps_the_key_backs_off_and_warns_once",
        ),
        (
            "a broken link logs no warning",
            "if link.failed(error):",
            "if link.failed(error) and False:",
            f"{ENGINE}test_a_failed_refresh_keeps_the_key_backs_off_and_warns_once",
        ),
        (
            "a link that was always absent logs a warning",
            'before == "serving" if absent else',
            "True if absent else",
            f"{ENGINE}test_absent_links_are_passed_quietly_and_broken_ones_with_one_warning",
        ),
        (
            "a link that served and is now absent logs no warning",
            'before == "serving" if absent else',
            "False if absent else",
            f"{FAULTS}test_in_a_refresh_the_old_key_is_served_and_one_warning_tells_of_the_outage[disk-gone]",
        ),
        (
            "an exception of another library is logged with its text",
            "raised {described(error)}",
            "raised {error!r}",
            f"{ENGINE}test_an_error_that_is_none_of_ours_is_named_by_its_class_alone",
        ),
        (
            "any error that contains the word thread counts as a lack of threads",
            "if isinstance(error, NoThread):",
            'if "thread" in str(error):',
            "integration/test_one_policy.py::"
            "test_an_error_of_a_provider_that_speaks_of_threads_is_the_providers_own[can't start new thread]",
        ),
        (
            "a forked child counts its parent's calls that hang",
            "self._hanging, self._next_at, self._in_new_child = [], -math.inf, True",
            "self._in_new_child = True",
            f"{PROCESSES}test_a_child_counts_none_of_the_parents_calls",
        ),
        (
            "a child's first call that hangs is not repeated within `fetch_timeout`",
            "if self._in_new_child:",
            "if False:",
            f"{PROCESSES}test_the_first_call_in_a_child_is_tried_twice_within_its_time",
        ),
    ),
    "Threads: `workers.py`": of(
        "workers.py",
        (
            "if no thread can start, the caller gets Python's RuntimeError",
            "raise NoThread(str(error)) from None",
            "raise",
            f"{PROCESSES}test_a_process_out_of_threads_serves_the_key_it_has_and_says_why_it_has_none",
        ),
        (
            "threads are not daemons, so a fetch that hangs delays the exit of Python",
            "daemon=True",
            "daemon=False",
            f"{PROCESSES}test_a_hung_fetch_does_not_hold_up_the_interpreters_exit",
        ),
        (
            "if a provider raises SystemExit, the waiting callers wait for ever",
            "except BaseException as error:\n                # Also",
            "except Exception as error:\n                # Not",
            f"{RULES}test_a_provider_that_exits_leaves_nobody_waiting",
        ),
        (
            "a forked child gives its jobs to its parent's threads",
            "self.workers.clear()",
            "pass",
            f"{PROCESSES}test_a_client_made_before_the_fork_is_refused_in_the_child",
        ),
    ),
    "Waiting for a fetch: `flight.py`": of(
        "flight.py",
        (
            "if one waiting task was cancelled, the others are not woken",
            "if not waiter.done():",
            "if True:",
            f"{FLIGHT}test_a_task_that_gave_up_keeps_no_other_from_waking",
        ),
        (
            "if one event loop was closed, tasks of other loops are not woken",
            "suppress(Exception)",
            "suppress()",
            f"{FLIGHT}test_a_loop_that_was_closed_meanwhile_disturbs_no_other",
        ),
        (
            "each task is woken by its own call into the event loop",
            "                loop.call_soon_threadsafe(_wake_all, waiting)",
            "                for one in waiting:\n                    loop.call_soon_threadsafe(_wake_all, [one])",
            f"{FLIGHT}test_each_loop_is_called_once_however_many_of_its_tasks_wait",
        ),
        (
            "a task waits for ever, although it has a timeout",
            "timer = None if seconds is None else",
            "timer = None if True else",
            f"{FLIGHT}test_a_wait_ends_after_its_seconds",
        ),
        (
            "a thread waits for ever, although it has a timeout",
            "timeout=-1 if seconds is None else min(seconds, threading.TIMEOUT_MAX)",
            "timeout=-1",
            f"{FLIGHT}test_a_wait_ends_after_its_seconds",
        ),
    ),
    "One client per process: `per_process.py`": of(
        "per_process.py",
        (
            "a forked child uses its parent's client",
            "        self._abandoned = self._value\n        self.drop()",
            "        pass",
            f"{RULES}test_a_child_makes_a_client_of_its_own",
        ),
        (
            "a forked child uses a client that was passed to its parent",
            "self._abandoned, self._value, self._making = self._value, None, threading.Lock()",
            "self._making = threading.Lock()",
            f"{PROCESSES}test_a_client_made_before_the_fork_is_refused_in_the_child",
        ),
        (
            "a forked child waits for a lock that a thread of its parent holds while it builds a client",
            "self._value, self._answered, self._making = None, None, threading.Lock()",
            "self._value = None",
            f"{RULES}test_a_fork_while_the_parent_makes_its_client_leaves_the_child_to_make_its_own",
        ),
        (
            "a connection that stalled is used again",
            "            self.drop()\n            client = self.get()",
            "            client = self.get()",
            f"{STALLED}test_a_call_on_a_connection_that_stalled_is_made_again_on_a_new_one",
        ),
        (
            "a provider that is closed drops the client that others use",
            "        if not self._users:\n            self.drop()",
            "        self.drop()",
            f"{SHARED}test_the_client_is_dropped_with_its_last_user",
        ),
        (
            "two providers that are made at the same time do not share the client of their function",
            "            shared = _by_function.get(function)\n",
            "            shared = None\n",
            f"{SHARED}test_providers_with_the_same_function_share_its_client",
        ),
    ),
    "Forks: `forks.py`": of(
        "forks.py",
        (
            "there are no fork handlers",
            'if hasattr(os, "register_at_fork"):',
            "if False:",
            f"{PROCESSES}test_a_client_made_before_the_fork_is_refused_in_the_child",
        ),
        (
            "a fork interrupts a change of the state, so the child inherits half of it",
            "        super().__init__()\n        watch(self)",
            "        super().__init__()",
            f"{RULES}test_a_fork_waits_for_a_change_under_way_to_be_whole",
        ),
        (
            "a fork does not wait for work under way",
            "    _rest()\n    _hold_all()",
            "    _hold_all()",
            f"{PROCESSES}test_a_fork_waits_until_work_is_over",
        ),
        (
            "a fork waits for ever",
            "self.seconds_left <= 0 or self in _held",
            "self in _held",
            f"{PROCESSES}test_a_fork_in_the_middle_of_a_fetch_deadlocks_nobody",
        ),
        (
            "a fork waits for one lock while it holds another",
            "        _let_go(kept)\n",
            "",
            f"{PROCESSES}test_a_fork_that_waits_for_one_lock_holds_no_other",
        ),
        (
            "a fork waits for the lock of logging while it holds a lock of the library",
            "    logging.getLogger(__name__)\n",
            "",
            f"{PROCESSES}test_a_fork_that_waits_for_the_lock_of_logging_holds_up_no_request",
        ),
        (
            "work begins while a fork waits",
            "    with _gate:\n        return Work(longest, within=False)",
            "    return Work(longest, within=False)",
            f"{PROCESSES}test_no_work_begins_while_a_fork_waits",
        ),
        (
            "work that other work waits for cannot start while a fork waits",
            "if within or begun:",
            "if False:",
            f"{PROCESSES}test_work_that_other_work_waits_for_goes_on_while_a_fork_waits",
        ),
        (
            "work that needs an executor cannot continue while a fork waits",
            "import concurrent.futures.thread  # noqa: F401\n",
            "",
            f"{PROCESSES}test_work_that_hands_something_to_an_executor_goes_on_while_a_fork_waits",
        ),
        (
            "a fork waits for a listener",
            "    _forget(_work_of(threading.get_ident()))",
            "    pass",
            f"{PROCESSES}test_a_fork_waits_for_no_listener_that_hangs",
        ),
    ),
}
