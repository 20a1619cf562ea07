"""The meaning of an answer, an error or a pasted text. `pasted` finds the cause, and `causes` has the texts.

`genai_credentials.rejection` gives the verdict on an answer of the API. This module adds the likeliest cause, the
number of the project, and the commands to run next.
"""

from __future__ import annotations

import re

from genai_credentials.cli.causes import NO_KEY_SENT, TABLE, UNRECOGNISED, UNSET, WRONG_GATEWAY, Meaning
from genai_credentials.cli.causes_of_proxy import NO_KEY
from genai_credentials.cli.pasted import Read, read
from genai_credentials.cli.reading.evidence import cause_of_number
from genai_credentials.rejection import MOST_BYTES, SUSPECT, Verdict, classify
from genai_credentials.troubles import AWS, GOOGLE, Trouble

# Cause -> patterns of the text around it, each with the index of the likeliest cause.
_HINTS: dict[str, tuple[tuple[str, int], ...]] = {
    "gateway": (
        (r"expire|disabled|quota|banned|exhausted|过期|不可用|用尽|额度|禁用|封禁", 1),
        (r"not provided|missing|未提供", 0),
    ),
    "API_KEY_INVALID": (
        (r"key (?:has )?expired|renew the api key", 1),
        (r"invalid api key: ?(?:none|null|undefined|your_)|[?&]key=(?:none|null|undefined|your_)", 2),
    ),
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": ((r"bearer|authorization|/openai/|aiplatform", 2),),
    "quota": ((r"limit: 0\b|free quota tier", 2), (r"per ?day|perday|daily", 0)),
    "region": ((r"free tier|enable billing", 1),),
    "unauthenticated": ((r"vertex|adc|aiplatform|oauth2?client|service account", 5),),
    "default_credentials": ((r"vertexai=true|use_vertexai|vertex_ai/|aiplatform|gemini_vertex", 2),),
    "not_found": ((r"route|no static|cannot (?:post|get)|nginx", 1), (r"model", 0)),
    "bad_secret": ((r"ascii|latin|iso-8859|non-ascii|code point", 2),),
}  # fmt: skip
_OWN_KEY = "The answer is from a gateway: its own key at Google is invalid, and its owner must renew that key."
_BOTH_SET = "GOOGLE_API_KEY and GEMINI_API_KEY are both set. The SDK uses GOOGLE_API_KEY, and that key is wrong."
_GATEWAY = re.compile(r"_api_error|litellm|openrouter|request id:|upstream")
_PROJECT = re.compile(r"(?:projects/|in project |project=|project #|consumer\W{1,40}projects/)(\d{6,20})\b")
_NAMED_PROJECTS = frozenset({"SERVICE_DISABLED", "CONSUMER_SUSPENDED", "BILLING_DISABLED", "API_KEY_SERVICE_BLOCKED"})
# Causes that common words name. If the status does not concern keys, such words are from a web page.
_ANYBODYS = frozenset({"unauthorized", "no_key", "no_key_sent"})
# Verdicts that the words of an answer may refine.
_COARSE = frozenset({"gateway", "forbidden", "unauthenticated", "PERMISSION_DENIED"})


def of_pasted(text: str) -> tuple[Meaning, int | None]:
    """Return the meaning of a pasted text, and its status. The status is None if the text has none.

    Args:
        text: The pasted text.
    """
    found = read(text)
    return of_read(found), found.status


def of_read(found: Read) -> Meaning:
    """The meaning of a cause that was read. The text around it orders the likely causes, and may name the project."""
    if found.cause == "unrecognised":
        return UNRECOGNISED
    if found.cause in ("store", "store_outage"):
        return _of_store(found)
    return _fitted(TABLE[found.cause], found.around.lower())


def of_answer(status: int, body: str) -> Meaning:
    """The meaning of an HTTP answer.

    Args:
        status: The HTTP status.
        body: The body, or its beginning.
    """
    verdict, text = classify(status, body), f"HTTP {status}\n{body[:MOST_BYTES]}"
    if verdict.cause and verdict.cause not in _COARSE:
        return of_verdict(verdict, text)
    found = read(text)
    if verdict.cause and not _agrees(found.cause, verdict):
        return of_verdict(verdict, text)
    if status not in SUSPECT and found.cause in _ANYBODYS and NO_KEY not in body:
        return TABLE[cause_of_number(status)]
    return of_read(found)


def _agrees(cause: str, verdict: Verdict) -> bool:
    """Whether the cause that was read is more precise than the verdict on the key, and does not contradict it."""
    if cause in ("unrecognised", "unauthorized", "doubtful"):
        return False
    return (TABLE[cause].verdict == "refused") == verdict.rejected or cause == "no_key_sent"


def of_verdict(verdict: Verdict, text: str = "") -> Meaning:
    """The meaning of a verdict on the key. The text orders the likely causes, and may name the project."""
    return _fitted(TABLE[verdict.cause], text.lower())


def as_sent(meaning: Meaning, kind: str) -> Meaning:
    """The meaning of an answer, if it is certain that a key of this kind was sent.

    Args:
        meaning: The meaning of the answer without this fact.
        kind: The kind of the key, a value of `chains.KINDS`.
    """
    causes = [cause for cause in meaning.causes if cause not in (NO_KEY_SENT, UNSET)]
    if meaning.cause == "gateway" and kind in ("standard", "auth"):
        causes.sort(key=lambda cause: cause != WRONG_GATEWAY)
    return meaning._replace(causes=tuple(causes))


def of_text(text: str) -> Meaning | None:
    """The meaning of the text of an error. None if the text has no known cause."""
    found = read(text)
    return None if found.cause == "unrecognised" else of_read(found)


def of_exception(error: BaseException) -> Meaning:
    """The meaning of an exception that a request to the API raised."""
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    meaning = of_text(f"{names}: {error}") or UNRECOGNISED
    if meaning is UNRECOGNISED:
        title = f"The request failed with {type(error).__name__}, before an answer arrived."
        return meaning._replace(title=title, remedy="Check the base URL, HTTPS_PROXY and SSL_CERT_FILE.")
    return meaning


def _fitted(meaning: Meaning, around: str) -> Meaning:
    for pattern, number in _HINTS.get(meaning.cause, ()):
        if re.search(pattern, around):
            rest = [text for text in meaning.causes if text != meaning.causes[number]]
            meaning = meaning._replace(causes=(meaning.causes[number], *rest))
            break
    if meaning.verdict == "refused" and "google_api_key and gemini_api_key are set" in around:
        meaning = meaning._replace(causes=(_BOTH_SET, *meaning.causes))
    if meaning.cause == "API_KEY_INVALID" and _GATEWAY.search(around):
        meaning = meaning._replace(causes=(*meaning.causes, _OWN_KEY))
    if meaning.cause in _NAMED_PROJECTS and (found := _PROJECT.search(around)):
        meaning = meaning._replace(title=f"{meaning.title} The number of the project is {found[1]}.")
    return meaning


# Words of a store's error in lower case, and the code in the shared table. The first match counts.
_STORES = (
    (r"signature expired|signature not yet current|requesttimetooskewed|requestexpired", AWS["RequestExpired"]),
    (r"token from sso|sso session|sso ?token|tokenretrieval|aws sso login", AWS["SSOError"]),
    (r"loginrefreshrequired|'aws login'", AWS["LoginRefreshRequired"]),
    (r"kms is not allowed|decryptionfailure|can't decrypt|perform: ?kms:", AWS["DecryptionFailure"]),
    (r"expiredtoken|security token included in the request is expired", AWS["ExpiredToken"]),
    (r"unrecognizedclient|invalidclienttoken|security token included in the request is", AWS["InvalidClientTokenId"]),
    (r"signaturedoesnotmatch|signature we calculated|invalidsignature", AWS["SignatureDoesNotMatch"]),
    (r"unable to locate cred|nocredential|load (?:aws )?credentials from|no ec2 imds role", AWS["NoCredentialsError"]),
    (r"partial credentials|partialcredentials", AWS["PartialCredentialsError"]),
    (r"config profile|profilenotfound", AWS["ProfileNotFound"]),
    (r"must specify a region|noregionerror", AWS["NoRegionError"]),
    (r"marked for deletion", AWS["InvalidRequestException"]),
    (r"throttl|toomanyrequests", AWS["ThrottlingException"]),
    (r"internalservice(?:error|exception)", AWS["InternalServiceError"]),
    (r"could not connect to the endpoint", AWS["EndpointConnectionError"]),
    (r"accessdenied|not authorized to perform|assumerole", AWS["AccessDenied"]),
    (r"can't find the specified secret|resourcenotfoundexception", AWS["ResourceNotFoundException"]),
    (r"api has not been used in project|service_disabled", GOOGLE["SERVICE_DISABLED"]),
    (r"in disabled state|in destroyed state|failed_precondition", GOOGLE["FailedPrecondition"]),
    (r"not in a valid format|invalid_?argument", GOOGLE["InvalidArgument"]),
    (r"not found|not_found", GOOGLE["NotFound"]),
    (r"default ?credentials", GOOGLE["DefaultCredentialsError"]),
    (r"unauthenticated|invalid authentication", GOOGLE["Unauthenticated"]),
    (r"resource_?exhausted|quota", GOOGLE["ResourceExhausted"]),
    (r"permission|forbidden|denied", GOOGLE["PermissionDenied"]),
    (r"unavailable", GOOGLE["ServiceUnavailable"]),
)  # fmt: skip
# Only letters match, so that no secret can be printed.
_LACKING = re.compile(
    r"(?i)not authorized to perform: ?((?:secretsmanager|kms|sts|ssm):[a-z]{3,40})"
    r"|permission '?(secretmanager\.[a-z]{3,40}\.[a-z]{3,40})'? denied"
)


# Troubles of a store that end without a repair.
_PASSING = frozenset(
    {AWS["ThrottlingException"], AWS["InternalServiceError"], GOOGLE["ResourceExhausted"], GOOGLE["ServiceUnavailable"]}
)


def _of_store(found: Read) -> Meaning:
    around, meaning = found.around.lower(), TABLE[found.cause]
    trouble: Trouble | None = next((trouble for pattern, trouble in _STORES if re.search(pattern, around)), None)
    if trouble in _PASSING:
        return TABLE["store_outage"]
    if trouble is None or found.cause == "store_outage":
        return meaning
    title = f"The secret store refused the request, not the Gemini API: {trouble.problem}."
    if lacking := _LACKING.search(found.around):
        title = f"{title} The missing permission is {lacking[1] or lacking[2]}."
    return meaning._replace(title=title, causes=(), remedy=trouble.remedy)
