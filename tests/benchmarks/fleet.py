"""Scale: a fleet's day with four rotations, simulated as discrete events around the real state machine."""

from __future__ import annotations

import functools
import multiprocessing
import os
from typing import NamedTuple

from .fleet_process import (
    DAY,
    DIES_AFTER,
    KINDS,
    LOST,
    STARTED_WITHIN,
    STORED,
    TOLD,
    TTL,
    Day,
    no_day,
    seconds_until,
    simulate,
    together,
)
from .report import Group, Table

SIZES = (1, 10, 100, 1_000, 10_000)
AWS_QUOTA, GOOGLE_QUOTA = 10_000, 90_000
"""Calls a second; calls a minute."""
AWS_CALL, AWS_SECRET = 0.05 / 10_000, 0.40 / 30
GOOGLE_CALL, GOOGLE_SECRET = 0.03 / 10_000, 0.06 / 30
"""Published prices in dollars: a call, and a secret's (version's) day."""
GOOGLE_CALLS_A_REFUSAL = 2
"""The next version by number, and the one after it, which isn't there."""
SETTLED = 1_800
"""Seconds after which the start of all processes at once is over."""


class Summary(NamedTuple):
    """A fleet's day in numbers: calls a second, dollars, seconds."""

    mean: float
    at_start: int
    scheduled_peak: int
    refusal_peak: int
    google_minute: int
    aws_dollars: float
    google_dollars: float
    overlapping: float
    at_once: float
    failed: float


TITLES = {
    "ours": "This library",
    "ours without jitter": "This library without jitter",
    "polling every 300 s": "A client that polls every 300 s and sends nothing again",
}

SHOWN = {"ours": "not notified", **{kind: f"notified within {within} s" for kind, within in TOLD.items()}}


def run(*, smoke: bool) -> Group:
    """Simulate."""
    group = Group("fleet", "Scale")
    sizes = SIZES[:2] if smoke else SIZES
    # The smaller fleets say nothing more of being told, and each of them is a day more to simulate.
    fleets = {kind: _fleets(kind, sizes) for kind in KINDS if kind not in TOLD}
    told = {kind: _fleets(kind, sizes[-1:])[sizes[-1]] for kind in TOLD}
    found = {kind: {size: _summary(day) for size, day in fleet.items()} for kind, fleet in fleets.items()}
    largest = sizes[-1]
    ours = found["ours"][largest]
    peak = max(ours.at_start, ours.scheduled_peak, ours.refusal_peak)
    group.reach(f"peak calls, {largest:,} processes", f"<= AWS's {AWS_QUOTA:,}/s", f"{peak:,}/s", peak <= AWS_QUOTA)
    text = f"{ours.google_minute:,}/min"
    group.reach("… in the worst minute", f"<= Google's {GOOGLE_QUOTA:,}/min", text, ours.google_minute <= GOOGLE_QUOTA)
    group.reach("requests failed in a day", "0", f"{ours.failed:.0f}", ours.failed == 0)
    text = f"{ours.overlapping:.0f} s with an overlap, {ours.at_once:.0f} s without"
    group.reach("last process has the new key", "<= 1.1 x ttl + one request", text, ours.overlapping <= 1.1 * TTL + 15)
    learned = {kind: _learned(day) for kind, day in {"ours": fleets["ours"][largest], **told}.items()}
    group.tables = [*(_table(kind, of) for kind, of in found.items()), _told_table(largest, learned)]
    group.series = {
        "sizes": list(sizes),
        "summaries": {kind: [summary._asdict() for summary in of.values()] for kind, of in found.items()},
        "told": {kind: of._asdict() for kind, of in learned.items()},
        "hour": {kind: _per_10s(fleet[largest]) for kind, fleet in fleets.items()},
    }
    group.notes += [
        f"Notified: each process gets a message about each new key. {LOST:.0%} of the messages are lost. The others "
        "arrive one to three times. A process without a message learns of the key at the end of its ttl or by a "
        "refusal.",
        f"All processes start within {STARTED_WITHIN:g} s. The ttl is {TTL:g} s. Each process sends one request a "
        "second, at random times, and looks at its key only then.",
        f"New keys are stored at {', '.join(f'{at / 3600:.2f}' for at in STORED)} h. The old keys die "
        f"{', '.join(f'{after / 60:g}' for after in DIES_AFTER)} min later.",
        f"Peaks are counted after the first {SETTLED // 60} min; the start has its own column. Stores never throttle.",
        "Prices: AWS 0.40 dollars per secret and month, and 0.05 per 10,000 calls. Google 0.06 and 0.03.",
    ]
    return group


class Learned(NamedTuple):
    """How a fleet learned of new keys whose old ones lived on: seconds, and calls a second afterwards."""

    half: int
    told: int
    last: int
    peak: int


def _learned(day: Day) -> Learned:
    overlaps = [number for number, after in enumerate(DIES_AFTER) if after]
    until = [
        max(seconds_until(day.adopted[number], part) for number in overlaps) for part in (0.5, 1.0 - 1.5 * LOST, 1.0)
    ]
    peak = max(max(day.scheduled[int(STORED[number]) :][:120]) for number in overlaps)
    return Learned(*until, peak)


def _told_table(size: int, learned: dict[str, Learned]) -> Table:
    rows = [
        [SHOWN[kind], f"{of.half} s", f"{of.told} s", f"{of.last} s", f"{of.peak:,}", f"{of.peak / AWS_QUOTA:.1%}"]
        for kind, of in learned.items()
    ]
    part = f"{1.0 - 1.5 * LOST:.1%}"
    heads = ["fleet", "half have the key", f"{part} have the key", "all have it", "peak, calls/s", "of AWS's quota"]
    return Table(f"{size:,} processes that are notified; {LOST:.0%} of the messages are lost", heads, rows)


def _fleets(kind: str, sizes: tuple[int, ...]) -> dict[int, Day]:
    """Each larger fleet is the smaller one with more processes, so that nothing is simulated twice."""
    parts = [range(first, last) for first, last in zip((0, *sizes), sizes, strict=False)]
    pieces = [
        (number, range(first, min(first + 500, part.stop)))
        for number, part in enumerate(parts)
        for first in range(part.start, part.stop, 500)
    ]
    days = [no_day() for _ in parts]
    work = functools.partial(simulate, kind)
    if len(pieces) > len(sizes):
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            found = pool.map(work, [piece for _, piece in pieces], chunksize=1)
    else:
        found = [work(piece) for _, piece in pieces]
    for (number, _), day in zip(pieces, found, strict=True):
        days[number] = together(days[number], day)
    fleets, so_far = {}, no_day()
    for size, day in zip(sizes, days, strict=True):
        so_far = together(so_far, day)
        fleets[size] = so_far
    return fleets


def _summary(day: Day) -> Summary:
    calls = [scheduled + rejected for scheduled, rejected in zip(day.scheduled, day.rejected, strict=True)]
    google = [
        scheduled + GOOGLE_CALLS_A_REFUSAL * rejected
        for scheduled, rejected in zip(day.scheduled, day.rejected, strict=True)
    ]
    return Summary(
        mean=sum(calls) / DAY,
        at_start=max(calls[:SETTLED]),
        scheduled_peak=max(day.scheduled[SETTLED:]),
        refusal_peak=max(day.rejected),
        google_minute=max(sum(google[second : second + 60]) for second in range(0, DAY, 15)),
        aws_dollars=sum(calls) * AWS_CALL + AWS_SECRET,
        google_dollars=sum(google) * GOOGLE_CALL + GOOGLE_SECRET * (1 + len(STORED)),
        overlapping=max(seconds_until(at) for at, after in zip(day.adopted, DIES_AFTER, strict=True) if after),
        at_once=max(seconds_until(at) for at, after in zip(day.adopted, DIES_AFTER, strict=True) if not after),
        failed=day.failed,
    )


def _table(kind: str, found: dict[int, Summary]) -> Table:
    rows = [
        [
            f"{size:,}",
            f"{of.mean:.3g}",
            f"{of.at_start:,}",
            f"{of.scheduled_peak:,}",
            f"{of.refusal_peak:,}",
            f"{max(of.at_start, of.scheduled_peak, of.refusal_peak) / AWS_QUOTA:.1%}",
            f"{of.google_minute / GOOGLE_QUOTA:.1%}",
            f"{of.aws_dollars:,.2f}",
            f"{of.google_dollars:,.2f}",
            f"{of.overlapping:.0f} s",
            f"{of.at_once:.0f} s",
            f"{of.failed:,.0f}",
        ]
        for size, of in found.items()
    ]
    heads = [
        "processes",
        "calls/s, mean",
        "peak at start",
        "peak, scheduled",
        "peak after a refusal",
        "of AWS's quota",
        "of Google's quota",
        "AWS, $ a day",
        "Google, $ a day",
        "last has new key, overlap",
        "last has new key, no overlap",
        "failed requests",
    ]
    return Table(TITLES[kind], heads, rows)


def _per_10s(day: Day) -> list[int]:
    """Calls in each ten seconds of the first hour and a half."""
    both = [one + other for one, other in zip(day.scheduled, day.rejected, strict=True)]
    return [sum(both[second : second + 10]) for second in range(0, 5_400, 10)]
