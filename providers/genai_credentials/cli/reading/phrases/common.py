"""Common words of many sources: a key is bad, a request is denied, too frequent or broken, a resource is missing."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import GENERAL, VAGUE, phrases
from genai_credentials.cli.reading.phrases.words import IS_BAD, KEY_FIRST, NEEDLES

_OF_A_KEY = phrases(
    (NEEDLES, rf"{KEY_FIRST}[^\n.]{{0,40}}?\b{IS_BAD}\b", "unauthorized"),
    (NEEDLES, rf"\b{IS_BAD}\b(?:(?!request|check|verif|make sure)[^\n.]){{0,60}}?{KEY_FIRST}", "unauthorized"),
    ("key",
     r"(?:invalid|bad|wrong|expired|revoked)_?(?:api_?)?key|\bapi_?key_?(?:invalid|expired|revoked"
     r"|disabled)", "unauthorized"),
    ("key", rf"\b(?:your|this|the) key (?:is|was|has been|has) {IS_BAD}\b", "unauthorized"),
    ("key", r"(?:bad|invalid|wrong|incorrect|expired)[ _](?:\w{1,20}[ _])?api[ _]?key", "unauthorized"),
    ("key not", r"\bkey not (?:authori[sz]ed|recogni[sz]ed|accepted|valid)\b", "unauthorized"),
    ("invalid_auth", "", "unauthorized"),
    ("user not found", r"\buser not found\b", "unauthorized"),
    ("token",
     r"\b(?:invalid|expired|revoked|incorrect) (?:api |auth |access |bearer |service "
     r"|authentication )?token\b(?! (?:at|in|<|'|count|limit))", "unauthorized"),
    ("token",
     r"\b(?:api|auth|access|bearer) token[^\n.]{0,20} (?:is |has )?(?:invalid|expired|revoked)", "unauthorized"),
    ("auth",
     r"(?<!password )\b(?:authentication|authorization|authorisation) (?:request )?(?:has )?fail(?:ed|ure)",
     "unauthorized"),
    ("authori", r"(?<!401 )\bauthori[sz]ation required", "unauthorized"),
    ("auth",
     r"(?:failed to|could not|unable to|not able to) authenticate|not authenticated"
     r"|(?<!proxy )authentication required", "unauthorized"),
    ("auth", r"invalid auth(?:entication|orization)?\b(?! header)", "unauthorized"),
    ("credentials", r"(?:invalid|wrong|bad|incorrect) (?:\w{1,20} )?credentials", "unauthorized"),
    weight=GENERAL,
)  # fmt: skip
_OF_A_PROJECT = phrases(
    ("enabled", r"\bapi (?:is |has )?not (?:been )?enabled\b", "SERVICE_DISABLED"),
    ("billing",
     r"billing(?: account)? (?:is |has )?(?:not (?:been )?(?:enabled|configured|set up|active)|disabled)"
     r"|\bno billing account", "BILLING_DISABLED"),
    (("region", "country", "location", "territory"),
     r"(?:region|country|location|territory) (?:is |are )?not (?:supported|available|allowed)", "region"),
    ("unsupported", r"unsupported (?:region|country|location|territory)", "region"),
    ("for your", r"model [^\n]{0,80} not available for your (?:account|project|plan|tier|key)", "PERMISSION_DENIED"),
    weight=GENERAL,
)  # fmt: skip
_OF_A_REQUEST = phrases(
    ("context",
     r"context (?:length|window)[^\n]{0,20} exceed|exceed[^\n]{0,30} context (?:length|window)", "bad_request"),
    ("too long", r"(?:prompt|input|request|message) is too long", "bad_request"),
    ("must be between", "", "bad_request"),
    ("parameter", r"(?:unsupported|unknown|invalid|unexpected) parameter|missing required parameter", "bad_request"),
    ("at least one", r"at least one (?:message|part|content)", "bad_request"),
    ("unknown name", "", "bad_request"),
    (("not found", "no such route"),
     r"models/[\w.-]{1,80} is not found|\bpage not found\b|\broute not found|no such route", "not_found"),
    ("detail", r"\"detail\": ?\"not found\"", "not_found"),
    ("not found", r"unexpected token [^\n]{1,12}not found\"? is not valid json", "not_found"),
    ("cannot", r"(?:^|\n|>|: ?)cannot (?:get|post|put) /", "not_found"),
    ("no endpoints found", "", "not_found"),
    weight=GENERAL,
)  # fmt: skip
_VAGUE = phrases(
    (
        "valid",
        r"(?:provide|enter|pass|use|need|require|supply|specify)\w{0,3} (?:a|your) valid"
        r" [^\n]{0,20}(?:api[ _-]?key|token)",
        "unauthorized",
    ),
    ("unauthorized", r"\bunauthorized\b", "unauthorized"),
    ("auth", r"\b(?:authentication|authorization|authorisation) (?:error|exception|problem)", "unauthorized"),
    ("expired", r"\b(?:token|jwt|session)\b[^\n.]{0,20} expired|expired (?:jwt|session)", "unauthorized"),
    (("access denied", "permission denied", "access_denied", "permission_denied"), "", "forbidden"),
    ("access to", r"access to [^\n]{1,60}(?:disallowed|denied|refused|forbidden|not allowed|revoked)", "forbidden"),
    ("not have",
     r"(?:do|does) not have (?:the |a |any )?(?:required |necessary |sufficient )?(?:permissions?|access|rights?)\b",
     "forbidden"),
    (("allowed", "permitted"), r"(?<!method )\bnot (?:allowed|permitted)\b(?! by cors)", "forbidden"),
    ("insufficient p", r"insufficient (?:permissions?|privileges?)", "forbidden"),
    ("forbidden", r"\bforbidden\b", "forbidden"),
    ("signature",
     r"\b(?:invalid|bad|wrong|incorrect) signature\b"
     r"|\bsignature (?:is |was )?(?:invalid|incorrect|mismatch|not valid|does not match)\b", "signature"),
    ("bad request", "", "bad_request"),
    ("rate limit", r"rate limit(?:ed| (?:was |has been )?(?:exceeded|reached|hit|error))", "quota"),
    ("rate limit", r"(?:hit|reached|exceeded)[^\n]{0,30} rate limit", "quota"),
    ("quota", r"quota[^\n]{0,20} (?:exceeded|exhausted|reached)|(?:exceeded|reached|out of)[^\n]{0,30} quota", "quota"),
    (("limit", "cap"),
     r"\b(?:daily|hourly|weekly|monthly|usage|requests?|tokens?|rpm|tpm|rpd) (?:usage )?(?:limit|cap)"
     r"[^\n]{0,20} (?:reached|exceeded|hit)", "quota"),
    ("per ",
     r"\b(?:requests|tokens) per (?:second|minute|hour|day)\b[^\n]{0,30}(?:exceeded|reached|limit)"
     r"|(?:exceeded|reached|limit)[^\n]{0,30}\b(?:requests|tokens) per (?:second|minute|hour|day)\b", "quota"),
    ("limits exceeded", r"\blimits exceeded\b", "quota"),
    (("too many requests", "many requests from you", "invoked too many times"), "", "quota"),
    ("payment required", "", "credits"),
    ("credit", r"(?:out of|no|not enough|insufficient) (?:\w{1,12} )?credits?\b|credit (?:limit|balance)[^\n]{0,20}"
               r"(?:exceeded|reached|low)", "credits"),
    ("balance", r"balance (?:is )?(?:insufficient|too low|exhausted|not enough)", "gateway_quota"),
    ("bad gateway", "", "server"),
    ("service unavailable", "", "server"),
    ("unavailable", r"^unavailable$", "server"),
    ("overloaded", "", "server"),
    ("capacity", r"(?:at|over|out of) capacity", "server"),
    ("temporarily unavailable", "", "server"),
    ("hot right now", "", "server"),
    (("internal server error", "server_error", "upstream error"), "", "server"),
    ("server error", r"(?:^|\n|: ?)(?:remote |upstream )?server error(?:[.:!]|$|\n)", "server"),
    ("check", r"check (?:that |if |whether )?(?:your|the) (?:\w{1,20} )?(?:api[ _-]?key|credentials)", "doubtful"),
    weight=VAGUE,
)  # fmt: skip
PHRASES = (*_OF_A_KEY, *_OF_A_PROJECT, *_OF_A_REQUEST, *_VAGUE)
