"""How a provider is called: the links, their threads, whoever waits, and forks."""

from __future__ import annotations

from .mutation import of

RULES = "unit/test_engine_rules.py::"
ENGINE = "unit/test_engine.py::"
FLIGHT = "unit/test_flight.py::"
PROCESSES = "integration/test_processes.py::"
FAULTS = "integration/test_faults.py::"
REPLACED = f"{ENGINE}test_a_call_that_hangs_is_replaced_twice_and_no_more"

SECTIONS = {
    "The links: `chain.py`": of(
        "chain.py",
        (
            "a call that hangs is made again and again",
            "len(self._still_hanging()) > MOST_ABANDONED or ",
            "",
            REPLACED,
        ),
        ("a call that hangs is not made again", "MOST_ABANDONED = 2", "MOST_ABANDONED = 0", REPLACED),
        (
            "no pause after calls that hang",
            " or time.monotonic() < self._next_at",
            "",
            f"{ENGINE}test_after_a_call_that_hangs_comes_one_with_a_fresh_client_and_after_two_a_pause",
        ),
        (
            "after a call that hangs comes one with the same client",
            "            reconnect()",
            "            pass",
            f"{ENGINE}test_after_a_call_that_hangs_comes_one_with_a_fresh_client_and_after_two_a_pause",
        ),
        ("`fetch_timeout` does not bound a fetch", ".result(timeout)", ".result()", REPLACED),
        (
            "the provider does not know its deadline",
            "set_deadline(timeout, in_all)",
            "pass",
            f"{FAULTS}test_at_a_start_the_error_lists_each_link_with_its_reason[google-unavailable-sync]",
        ),
        (
            "a fork waits for a call that hangs",
            "        job.abandon()\n",
            "",
            f"{PROCESSES}test_a_fork_waits_for_no_call_that_was_given_up",
        ),
        (
            "a warning for each failed fetch",
            'before == "serving" if absent else before != "broken"',
            'before == "serving" if absent else True',
            f"{ENGINE}test_a_failed_refresh_keeps_the_key_backs_off_and_warns_once",
        ),
        (
            "no warning of a broken link",
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
            "a link that is absent after it served logs no warning",
            'before == "serving" if absent else',
            "False if absent else",
            f"{FAULTS}test_in_a_refresh_the_old_key_is_served_and_one_warning_tells_of_the_outage[disk-gone]",
        ),
        (
            "the text of a foreign error is quoted",
            "raised {described(error)}",
            "raised {error!r}",
            f"{ENGINE}test_an_error_that_is_none_of_ours_is_named_by_its_class_alone",
        ),
        (
            "any error with the word thread in it counts as having none",
            "if isinstance(error, NoThread):",
            'if "thread" in str(error):',
            "integration/test_one_policy.py::"
            "test_an_error_of_a_provider_that_speaks_of_threads_is_the_providers_own[can't start new thread]",
        ),
        (
            "no fork handler: the child counts the parent's calls",
            "self._hanging, self._next_at, self._in_new_child = [], -math.inf, True",
            "self._in_new_child = True",
            f"{PROCESSES}test_a_child_counts_none_of_the_parents_calls",
        ),
        (
            "a child's first call that hangs is not made again in time",
            "if self._in_new_child:",
            "if False:",
            f"{PROCESSES}test_the_first_call_in_a_child_is_tried_twice_within_its_time",
        ),
    ),
    "Threads: `workers.py`": of(
        "workers.py",
        (
            "a thread that cannot start is the caller's error",
            "raise NoThread(str(error)) from None",
            "raise",
            f"{PROCESSES}test_a_process_out_of_threads_serves_the_key_it_has_and_says_why_it_has_none",
        ),
        (
            "threads are no daemons",
            "daemon=True",
            "daemon=False",
            f"{PROCESSES}test_a_hung_fetch_does_not_hold_up_the_interpreters_exit",
        ),
        (
            "a SystemExit in a provider leaves the waiters waiting",
            "except BaseException as error:\n                # Also",
            "except Exception as error:\n                # Not",
            f"{RULES}test_a_provider_that_exits_leaves_nobody_waiting",
        ),
        (
            "no fork handler: a child hands its jobs to the parent's threads",
            "self.workers.clear()",
            "pass",
            f"{PROCESSES}test_a_client_made_before_the_fork_is_refused_in_the_child",
        ),
    ),
    "Whoever waits: `flight.py`": of(
        "flight.py",
        (
            "one cancelled waiter keeps the others from waking",
            "if not waiter.done():",
            "if True:",
            f"{FLIGHT}test_a_task_that_gave_up_keeps_no_other_from_waking",
        ),
        (
            "a loop that was closed keeps the others from waking",
            "suppress(Exception)",
            "suppress()",
            f"{FLIGHT}test_a_loop_that_was_closed_meanwhile_disturbs_no_other",
        ),
        (
            "each task is woken by a call of its own",
            "                loop.call_soon_threadsafe(_wake_all, waiting)",
            "                for one in waiting:\n                    loop.call_soon_threadsafe(_wake_all, [one])",
            f"{FLIGHT}test_each_loop_is_called_once_however_many_of_its_tasks_wait",
        ),
        (
            "a task waits for ever, whatever its time",
            "timer = None if seconds is None else",
            "timer = None if True else",
            f"{FLIGHT}test_a_wait_ends_after_its_seconds",
        ),
        (
            "a thread waits for ever, whatever its time",
            "timeout=-1 if seconds is None else min(seconds, threading.TIMEOUT_MAX)",
            "timeout=-1",
            f"{FLIGHT}test_a_wait_ends_after_its_seconds",
        ),
    ),
    "Clients of each process: `per_process.py`": of(
        "per_process.py",
        (
            "no fork handler: the child has the parent's client",
            "        self._abandoned = self._value\n        self.drop()",
            "        pass",
            f"{RULES}test_a_child_makes_a_client_of_its_own",
        ),
        (
            "no fork handler: the child has a client that its parent was given ready",
            "self._abandoned, self._value, self._making = self._value, None, threading.Lock()",
            "self._making = threading.Lock()",
            f"{PROCESSES}test_a_client_made_before_the_fork_is_refused_in_the_child",
        ),
        (
            "no fork handler: the child has the lock of the client's maker",
            "self._value, self._making = None, threading.Lock()",
            "self._value = None",
            f"{RULES}test_a_fork_while_the_parent_makes_its_client_leaves_the_child_to_make_its_own",
        ),
    ),
    "Forks: `forks.py`": of(
        "forks.py",
        (
            "no fork handlers at all",
            'if hasattr(os, "register_at_fork"):',
            "if False:",
            f"{PROCESSES}test_a_client_made_before_the_fork_is_refused_in_the_child",
        ),
        (
            "no fork handler: a child inherits half a change",
            "        super().__init__()\n        watch(self)",
            "        super().__init__()",
            f"{RULES}test_a_fork_waits_for_a_change_under_way_to_be_whole",
        ),
        (
            "a fork doesn't wait for work under way",
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
            "a fork waits for the lock of logging while it holds ours",
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
            "work that other work waits for stops while a fork waits",
            "if within or begun:",
            "if False:",
            f"{PROCESSES}test_work_that_other_work_waits_for_goes_on_while_a_fork_waits",
        ),
        (
            "work that needs an executor stops while a fork waits",
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
