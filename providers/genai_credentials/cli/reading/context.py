"""Corrects the cause of a piece of evidence by the text around it: the server that answered, and other details."""

from __future__ import annotations

import re

from genai_credentials.cli.reading.evidence import Evidence
from genai_credentials.cli.reading.phrases.phrase import ACCESS, CODE, NUMBER
from genai_credentials.messages import ROWS

_BEFORE, _AFTER = 800, 600

_SERVICE = re.compile(r"\b([a-z0-9-]{2,60})(?:\.[a-z0-9-]{1,30})?\.googleapis\.com")
_HOST = re.compile(r"(?:https?|wss?)://([\w.-]{1,253})")
_STORE = re.compile(r"secret[_ -]?manager|access[_ ]?secret[_ ]?version|getsecretvalue|google:projects/")
_GEMINI = re.compile(r"generativelanguage|generate_?content|gemini|aistudio|genai|langchain|litellm|chatgoogle")
_ENVELOPE = re.compile(r"[{\[]\s?[\"'](?:error|message|detail|code|msg|success|status)[\"']|\berror[\"']?: ?[\"'{]")
_MESSAGE = re.compile(
    r"(?:message|description|detail|msg)\"\s?:\s?\"([^\"\n]{4,400})"
    r"|(?:message|description|details?|desc|msg)[\"']?\s?[:=]>?\s?[\"'`]{0,2}([^\n\"'`{\[]{4,400})"
    r"|(?:\]|\w(?:error|exception)): ([^\n\"'`{\[(]{4,400})"
)
_AFTER_CODE = re.compile(r"[\"')\]]?[.:]?\s?[\"'(]?([^\n{\[\"'(]{4,400})")
_SAYS_NOTHING = re.compile(
    r"https?://\S{1,500}|requestoptions\.validatestatus was configured to throw for this status code"
    r"|\b(?:[45]\d\d|bad|requests?|invalid|argument|provided|returned|provider|upstream|to|gemini|reason|phrase|response|attempt|call|unhandled|uncaught|exception|client|error|details?|for|url\S*|status|code|api"
    r"|type|message|post|get|none|unknown|null|http\S*|failed|rejected|with|no|body|the|a|please|verify|check|your|settings|and|try|again)\b|[^a-z]"
)
# Subjects of the message of a bad request, for a message outside of a JSON document.
_OF_A_REQUEST = re.compile(
    r"field|role|content|token|param|name|unsupported|support|schema|image|payload|json|function|tool|must|should|length"
    r"|size|limit|exceed|file|mime|propert|required|enum|value|temperature|range|\bparts?\b|turn|thinking|candidate|budget"
    r"|modalit|history|specified|allowed|enabled|empty|too (?:long|large|many|short)|only"
)
_FRAME = re.compile(r"\bat (?:async )?(?:[\w.$<>]{1,60} ){0,3}\(?[^\s()]{1,200}:\d{1,7}\)?")
_ABOUT_KEYS = re.compile(r"\bkeys?\b|apikey|api_key|credential|auth|\btoken\b|permission|密钥|令牌")
_DENIED = re.compile(r"permission denied|not have permission")
# Causes that both Google's secret store and the API name.
_SHARED = frozenset({
    "not_found", "bad_request", "precondition", "unauthorized", "forbidden", "default_credentials", "project_unknown",
})  # fmt: skip
_PASSING = frozenset({"quota", "server", "timeout", "connection", "dns"})
# Services that a text may name beside the service that answered.
_NEUTRAL = frozenset({"iam", "serviceusage", "cloudresourcemanager", "type"})


def in_context(best: Evidence, status: int | None, lines: str) -> str:
    """The cause of a piece of evidence, corrected by the text around it.

    Args:
        best: The evidence.
        status: The status that belongs to it.
        lines: The whole text, cleaned, in lower case.
    """
    lower = lines.replace("\n", " ")
    around = lower[max(0, best.start - _BEFORE) : best.end + _AFTER]
    if (best.cause in ROWS or best.cause in _SHARED | _PASSING) and _is_a_stores(best, lower):
        return "store_outage" if best.cause in _PASSING else "store"
    if best.cause == "CONSUMER_INVALID" and _service(best, lower) not in ("", "generativelanguage"):
        return "project_unknown"
    if best.cause == "gateway_said":
        return _GATEWAY_SAID.get(status or 0, "server" if (status or 0) >= 500 else "other_status")
    if best.cause == "bad_request" and best.weight <= CODE and status in (None, 400):
        return "bad_request" if _is_about_something_else(best, lower, lines) else "doubtful"
    if best.cause == "unauthorized" and (best.weight <= NUMBER or status == 401):
        return _whose(around)
    if best.cause == "forbidden" and status == 403 and _DENIED.search(around) and _ENVELOPE.search(around):
        return "PERMISSION_DENIED"
    if best.weight == ACCESS and best.cause in ("server", "quota", "not_found"):
        return "other_status"
    return best.cause


_GATEWAY_SAID = {401: "gateway", 403: "gateway_forbidden", 404: "gateway_route", 429: "quota"}


def _is_a_stores(best: Evidence, lower: str) -> bool:
    if service := _service(best, lower):
        return service == "secretmanager"
    before = lower[max(0, best.start - _BEFORE) : best.end + _AFTER // 2]
    stores = [match.end() for match in _STORE.finditer(before)]
    others = [match.end() for match in _GEMINI.finditer(before)]
    return bool(stores) and max(stores) > max(others, default=0)


def _service(best: Evidence, lower: str) -> str:
    """The service of Google whose name is the nearest. Empty if there is no name."""
    start = max(0, best.start - _BEFORE)
    named = _SERVICE.finditer(lower, start, min(len(lower), best.end + _AFTER))
    near = ((abs(match.start() - best.start), match[1]) for match in named if match[1] not in _NEUTRAL)
    return min(near, default=(0, ""))[1]


def _is_about_something_else(best: Evidence, lower: str, lines: str) -> bool:
    """Whether the message of a bad request is not about keys. An invalid key has the status of a bad request too."""
    around = _FRAME.sub(" ", lower[max(0, best.start - _AFTER) : best.end + _AFTER])
    said = [_said(match) for match in _MESSAGE.finditer(around)]
    # What people write around an error stands in other lines.
    found = _AFTER_CODE.match(lines, best.end)
    if not any(map(_says_something, said)) and found and _OF_A_REQUEST.search(found[1]):
        said = [found[1]]
    said = [one for one in (_beside(lower[best.start : best.end], one) for one in said) if _says_something(one)]
    return bool(said) and not _ABOUT_KEYS.search(said[-1])


def _beside(evidence: str, message: str) -> str:
    """The part of a log's line that is the error's own message: before the evidence, a log names its logger."""
    before, found, after = message.rpartition(evidence)
    return after if found and not _OF_A_REQUEST.search(before) else message


def _said(found: re.Match[str]) -> str:
    plain, quoted, last = found.groups()
    return plain or quoted or (last if _OF_A_REQUEST.search(last) else "")


def _says_something(message: str) -> bool:
    words = [word for word in _SAYS_NOTHING.sub(" ", message).split() if len(word) > 2]
    return len(words) >= 2 or any("_" in word for word in words)


def _whose(around: str) -> str:
    """The cause for a 401 without a reason: from Google, from a gateway, or from an unknown server."""
    hosts = _HOST.findall(around)
    if any(host.endswith("googleapis.com") for host in hosts):
        return "unauthenticated"
    return "gateway" if _ENVELOPE.search(around) or hosts else "unauthorized"
