"""Words of libraries and frameworks that found no key, no usable key, or a login instead of a key."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import GENERAL, VAGUE, phrases
from genai_credentials.cli.reading.phrases.words import IS_BAD, IS_MISSING, KEY, KEY_FIRST, LACKS, NEEDLES

# These texts name both causes, a missing key and a bad key.
_EITHER = phrases(
    (NEEDLES,
     rf"{KEY_FIRST}[^\n.]{{0,40}} (?:missing|empty|absent|not (?:set|provided)),? or (?:is )?{IS_BAD}"
     rf"|{KEY_FIRST}[^\n.]{{0,40}} {IS_BAD},? or (?:is )?(?:missing|empty|absent|not (?:set|provided))"
     rf"|(?:missing|no|empty) or {IS_BAD} {KEY}|{IS_BAD} or (?:missing|no|empty) {KEY}", "unauthorized"),
)  # fmt: skip
_LIBRARIES = phrases(
    ("missing key inputs argument", "", "no_key"),
    ("no api key was provided", "", "no_key"),
    ("no api_key or adc found", "", "no_key"),
    ("did not find google_api_key", "", "no_key"),
    ("api key is missing. pass it using", "", "no_key"),
    ("please pass in the api key or set", "", "no_key"),
    ("api key required for", "", "no_key"),
    ("environment variables not set up", r"api key environment variables not set up", "no_key"),
    ("variable is not set. defaulting to a blank",
     r"key\"? variable is not set\. defaulting to a blank string", "no_key"),
    ("client option must be set", r"api_?key client option must be set", "no_key"),
    ("field required", r"\w{0,40}(?:api_?key|token)\w{0,20}\n ?field required", "no_key"),
    ("parameter '", r"cannot be (?:null|empty)[^\n]{0,20}\(parameter '\w{0,20}key", "no_key"),
    ("keyerror", r"keyerror: '?\"?\w{0,40}api_?key\w{0,20}", "no_key"),
)  # fmt: skip
_LOGINS = phrases(
    ("default credentials were not found", "", "default_credentials"),
    ("could not automatically determine credentials", "", "default_credentials"),
    ("could not load the default credentials", "", "default_credentials"),
    ("could not find default credentials", "", "default_credentials"),
    ("default credentials are not available",
     r"application default credentials are not available", "default_credentials"),
    ("default credentials",
     r"(?:fail\w{0,3}|unable|could not|cannot|can't|error)\b[^\n]{0,20} (?:find|get|load|obtain|determine|read|detect"
     r"|locate|retriev|resolv|acquir)\w{0,4} (?:the |your |any )?(?:application |google )?default credentials",
     "default_credentials"),
    ("no gcp credentials", "", "default_credentials"),
)  # fmt: skip
# HTTP libraries refuse a header before it is sent: an empty key, a line break, or letters outside of ASCII.
_HEADERS = phrases(
    ("illegal header value", r"illegal header value b?'(?:bearer ?)?'", "no_key"),
    ("illegal header value", "", "bad_secret"),
    ("must be", r"header (?:value|part)[^\n]{0,60} must be [^\n]{0,40}\b(?:str|bytes|string)\b", "bad_secret"),
    ("invalid header value", "", "bad_secret"),
    ("invalid character in header content", "", "bad_secret"),
    ("is not a legal http header value", "", "bad_secret"),
    ("non iso-8859-1 code point", "", "bad_secret"),
    ("invalid leading whitespace", r"invalid leading whitespace[^\n]{0,60}header", "bad_secret"),
    ("header value contains", r"header value contains (?:illegal|invalid|control)", "bad_secret"),
    ("invalid value for header", "", "bad_secret"),
    (
        "codec can't encode",
        r"(?:header|x-goog|httpx|http/client)[^~]{0,400}(?:ascii|latin-1)' codec can't encode"
        r"|(?:ascii|latin-1)' codec can't encode[^~]{0,200}(?:header|x-goog)",
        "bad_secret",
    ),
    ("invalid header field value", "", "bad_secret"),
    ("contains non-ascii", r"header '[\w-]{1,60}' value contains non-ascii", "bad_secret"),
    ("failed to parse header value", "", "bad_secret"),
)
_GENERAL = phrases(
    (NEEDLES, rf"{KEY_FIRST}[^\n.]{{0,60}}?\b{IS_MISSING}\b", "no_key"),
    (NEEDLES, rf"{LACKS}\b(?:[^\n.]|\.(?! )){{0,60}}?{KEY_FIRST}", "no_key"),
    (NEEDLES, rf"\b{IS_MISSING}: ?\W{{0,3}}{KEY}", "no_key"),
    ("neither",
     rf"\bneither [^\n]{{0,40}}{KEY}[^\n]{{0,60}}\b(?:set|found|given|provided|configured|defined)\b", "no_key"),
    ("no value for required variable",
     rf"no value for required variable[^~]{{0,200}}?\bvariable \"?\w{{0,30}}{KEY}", "no_key"),
    (("found nil", "null check"), rf"(?:found nil|null check operator)[^~]{{0,200}}?\b{KEY}", "no_key"),
    (NEEDLES,
     r"(?:could not|couldn't|cannot|can't|unable to|failed to|error)"
     r" (?:retriev|read|load|decrypt|fetch|obtain|access)\w{0,4}"
     rf" (?:the |your |an? )?{KEY}", "no_key"),
    ("defaultcredentialserror", "", "default_credentials"),
    ("detect a project id", "", "default_credentials"),
    ("mutually exclusive", r"mutually exclusive in the client initiali[sz]er", "configuration"),
    ("none of the following", r"none of the following[^\n]{0,60}\b(?:keys?|variables?)\b[^\n]{0,30}\bset\b", "no_key"),
    ("credentials", r"(?:missing|no) (?:valid )?(?:authentication |auth )?credentials\b", "no_key"),
    ("token",
     r"(?:\bno|missing) (?:access |auth |bearer |api |authorization )?token\b(?: (?:was "
     r"|is )?(?:supplied|provided|found|present|given|sent))?", "no_key_sent"),
    ("header",
     r"missing (?:[\w-]{1,20} ){0,2}header\b|(?:authorization|authentication|auth|api-key) header (?:is |was )?"
     r"(?:missing|required|not (?:found|provided|present|set))", "no_key_sent"),
    ("missing bearer", "", "no_key_sent"),
    ("environment variable",
     r"(?:\bset|specify|define|export|provide|configure)\b[^\n]{0,60} environment variables?\b"
     rf"[^\n]{{0,60}}?\b{KEY}", "no_key"),
    ("variable",
     r"missing [^\n]{0,40}environment variables?\b|environment variables? [^\n]{0,60}(?:missing"
     r"|not set|not found|undefined|required)", "no_key"),
    ("apikey",
     r"(?:missing|\bno)_?apikey|apikey_?(?:is_?)?(?:missing|required|not_?(?:set|found|provided"
     r"|configured))", "no_key"),
    ("api_key",
     r"(?:missing|\bno)_?api_key|api_key_(?:is_)?(?:missing|required|not_?(?:set|found|provided"
     r"|configured))", "no_key"),
    ("key", r"api[ _]?key[\"']?(?: provided)?[:=]? ?[\"'(]{0,2}(?:none|null|undefined)\b", "no_key"),
    ("nonetype", rf"'nonetype'>`? for [^\n]{{0,20}}{KEY}", "no_key"),
    ("key=", r"[?&]key=[^\w*.•…]{0,6}(?:none|null|undefined|your_\w{1,40})?(?=[\s'\"&]|$)", "no_key"),
    ("attempted to access", rf"attempted to access [^\n]{{0,80}}?{KEY_FIRST}", "no_key"),
    ("no secrets found", "", "no_key"),
    ("must be", rf"{KEY_FIRST}[^\n]{{0,40}}must be [^\n]{{0,40}}(?:none|null|undefined)", "no_key"),
    weight=GENERAL,
)  # fmt: skip
_VAGUE = phrases(("export", rf"\bexport {KEY}", "no_key"), weight=VAGUE)
PHRASES = (*_EITHER, *_LIBRARIES, *_LOGINS, *_HEADERS, *_GENERAL, *_VAGUE)
