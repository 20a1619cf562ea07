"""Weighs the evidence in a text, and finds the piece that decides and its status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genai_credentials.cli.reading.evidence import FAR, Evidence
from genai_credentials.cli.reading.phrases.phrase import ACCESS, CODE, GENERAL, MESSAGE, NUMBER, OURS
from genai_credentials.messages import ROWS

NEAR = 700
"""The largest distance in characters between two pieces of evidence of the same error."""

# If one error names several causes, these causes say the least.
_PLAIN = frozenset(
    {"bad_request", "quota", "server", "unauthenticated", "not_found", "PERMISSION_DENIED", "unauthorized", "gateway"}
)
# A status or a code of these causes shows that the API received a key, even if a wrapper reports another error.
_REACHED = frozenset({"quota", "not_found", "server", "precondition"})
# The statuses of causes that have no row in the table of reasons.
_USUAL = {"quota": 429, "credits": 429, "openai_quota": 429, "not_found": 404, "region": 400, "bad_request": 400}


def strongest(found: Sequence[Evidence]) -> Evidence | None:
    """The piece of evidence that decides; None if there is none.

    Args:
        found: All evidence in a text.
    """
    if not found:
        return None
    weight = max(one.weight for one in found)
    if weight >= OURS:
        return _last(one for one in found if one.weight == weight)
    if weight >= MESSAGE:
        return _of_one_error([one for one in found if one.weight >= MESSAGE])
    if weight == GENERAL:
        return _among_general(found)
    same = [one for one in found if one.weight == weight]
    return _last([one for one in same if one.cause != "doubtful"] or same)


def _of_one_error(found: Sequence[Evidence]) -> Evidence:
    """The most precise piece of evidence in the last error."""
    last = max(found, key=lambda one: one.end)
    same = [one for one in found if last.start - one.end < NEAR and _may_be_one(one, last)]
    return max(same, key=lambda one: (one.weight, one.cause not in _PLAIN, one.end))


def _may_be_one(one: Evidence, other: Evidence) -> bool:
    """Whether two causes can belong to one error: their statuses are equal, or one status is unknown."""
    statuses = [ROWS[cause].status if cause in ROWS else _USUAL.get(cause) for cause in (one.cause, other.cause)]
    return None in statuses or statuses[0] == statuses[1]


def _among_general(found: Sequence[Evidence]) -> Evidence:
    general = [one for one in found if one.weight == GENERAL]
    best = max(general, key=lambda one: (one.cause not in _PLAIN, one.end))
    near = [one for one in found if abs(one.start - best.start) < FAR]
    against = [one for one in near if one.weight in (CODE, NUMBER) and one.cause in _REACHED and _counts(one)]
    if against and best.cause in ("no_key", "unauthorized"):
        return max(against, key=lambda one: (one.weight, one.end))
    return best


def _counts(one: Evidence) -> bool:
    # A wrapper may make a 5xx of its own. A 5xx of the API has a code by name.
    return one.weight == CODE or one.status in (404, 429)


def _last(found: Iterable[Evidence]) -> Evidence:
    return max(found, key=lambda one: one.end)


def status_of(best: Evidence, found: Sequence[Evidence]) -> int | None:
    """The status of the deciding error: the usual status of its cause, a close code, or the nearest status.

    Args:
        best: The deciding piece of evidence.
        found: All evidence in the text.

    Returns:
        The status; None if the text has none.
    """
    if best.weight in (ACCESS, NUMBER):
        return best.status
    usual = ROWS[best.cause].status if best.cause in ROWS else best.status
    near = [one for one in found if abs(one.start - best.start) < FAR and one.status]
    numbers = [one for one in near if one.weight == NUMBER]
    if closed := [one.status for one in numbers if one.status and one.status >= 1000 and one.start < best.end]:
        return closed[-1]
    if usual and usual in {one.status for one in numbers}:
        return usual
    nearest = min(numbers, key=lambda one: abs(one.start - best.start), default=None)
    # A gateway may have changed the status to another 4xx. A 5xx is from a wrapper, unless the cause has no status.
    if nearest and nearest.status and (usual is None or nearest.status < 500):
        coded = next((one.status for one in near if one.weight == CODE), None)
        return coded if coded and nearest.status >= 500 else nearest.status
    return usual or next((one.status for one in near if one.weight == CODE), None)
