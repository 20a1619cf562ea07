"""Short messages in a log line or on a screen that do not show the answer itself."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import CODE, GENERAL, VAGUE, phrases
from genai_credentials.cli.reading.phrases.words import IS_MISSING

_OF_A_KEY = phrases(
    (("gemini key", "google key", "provider key"),
     r"\b(?:no|missing|without an?) (?:valid )?(?:gemini|google|provider) keys?\b"
     rf"|\b(?:gemini|google|provider) keys? (?:\w{{1,8}} )?{IS_MISSING}", "no_key"),
    ("no ", r"\bno (?:usable |valid |active )?(?:api )?keys? (?:available|found|configured|left|in pool)", "no_key"),
    ("placeholder", r"could not resolve placeholder '[^'\n]{0,60}key", "no_key"),
    ("token",
     r"\b(?:bearer|api|access|auth\w{0,12}) token (?:is |was )?(?:missing|required|absent|empty"
     r"|not (?:found|provided|set|supplied|present))(?!,? (?:or )?(?:is )?(?:invalid|expired|not valid))",
     "no_key_sent"),
    ("header", r"\bno (?:[\w-]{1,20} ){0,2}header (?:was )?(?:found|provided|present|set|sent)", "no_key_sent"),
    (("verification", "validation"),
     r"(?:key|token|signature|credentials?|jwt) (?:verification|validation) (?:has )?failed", "unauthorized"),
    ("validate", r"could not validate (?:the |your )?credentials", "unauthorized"),
    (("api key", "api_key", "apikey"),
     r"\bapi[ _]?key[^\n.]{0,20} (?:is|was|has been|been) (?:blocked|removed|deleted)", "unauthorized"),
    (("account", "project"),
     r"\b(?:account|project) (?:is |was |has been )?(?:suspended|banned|terminated)", "CONSUMER_SUSPENDED"),
    weight=GENERAL,
)  # fmt: skip
_OF_A_LOGIN = phrases(("no access, refresh token", "", "login"))
_OF_MACHINES = phrases(
    (("federated token", "workload_identity", "workload identity", "google-github-actions/auth"),
     r"federated token|workload[_ ]identity[^\n]{0,60}(?:fail|invalid|error|denied|must)"
     r"|google-github-actions/auth failed",
     "login"),
    ("metadata server", r"metadata server[^\n]{0,20} (?:unavailable|not available|unreachable)", "login"),
    weight=GENERAL,
)  # fmt: skip
_OF_A_PROJECT = phrases(
    (("please enable", "language api", "gemini api", "ai api", "googleapis.com is"),
     r"please enable (?:the )?(?:[\w-]{1,20} ){1,3}api\b"
     r"|(?:language|gemini|ai) api (?:is )?(?:disabled|not enabled)|googleapis\.com is (?:not enabled|disabled)",
     "SERVICE_DISABLED"),
    ("enabled", r"\bapi\b[^\n]{0,80} (?:to|must|needs? to) be enabled", "SERVICE_DISABLED"),
    ("disabled", r"(?:language|gemini) api (?:is |was |has been )?disabled", "SERVICE_DISABLED"),
    ("billing", r"(?:please|must|need to) enable billing|\bbilling_not_active\b", "BILLING_DISABLED"),
    ("available in your",
     r"(?:isn.t|not)(?: \w{1,12})? available in your (?:country|region|location|area|territory)", "region"),
    ("unsupported_", r"\bunsupported_(?:country|region|location)\w{0,20}", "region"),
    ("model",
     r"\bmodel\b[^\n]{0,60} (?:is |was |has been )(?:deprecated|no longer supported|retired|discontinued|shut down)",
     "not_found"),
    ("model", r"\bmodel\b[^\n]{0,20} is unavailable (?:for|in|to)\b", "not_found"),
    ("does not support", r"does not support (?:generatecontent|embedcontent|bidigeneratecontent)", "not_found"),
    weight=GENERAL,
)  # fmt: skip
_OF_A_REQUEST = phrases(
    ("unsupported",
     r"unsupported (?:file|media|content|image|audio|video|input) ?(?:type|format|extension)", "bad_request"),
    (("json parse", "request body", "malformed json"),
     r"json parse error|(?:invalid|malformed|bad) request body|malformed json", "bad_request"),
    ("too ",
     r"\b(?:payload|body|image|file|video|audio|prompt|input|max_tokens|document|attachment)\b[^\n]{0,20} too"
     r" (?:large|big|long|small|short)", "bad_request"),
    ("empty",
     r"\b(?:contents?|messages|prompt|input|text|parts?)\b[^\n]{0,12} (?:must|can|should) ?not be empty",
     "bad_request"),
    ("schema", r"\b(?:tool|function|response|json) schema (?:is )?invalid|invalid (?:\w{1,12} )?schema", "bad_request"),
    (("content policy", "content_policy"),
     r"(?:due to|violat\w{1,5}|against|by)[^\n]{0,20} content[ _]policy|content_policy_violation", "content_blocked"),
    (("content_filter", "content filter"), r"\bcontent[_ ]filter\b", "content_blocked"),
    ("safety", r"blocked by [^\n]{0,30}safety", "content_blocked"),
    ("recitation", r"(?:^|\n|: ?)recitation(?:[.,!]|$|\n)", "content_blocked"),
    weight=GENERAL,
)  # fmt: skip
_OF_A_STORE = phrases(
    ("accessdenied", r"secrets? ?manager\w*[^\n]{0,60}accessdenied", "store"),
    ("parameternotfound", "", "store"),
    ("secret",
     r"(?<!client )\bsecret (?:\S{1,100} )?(?:was )?(?:not found|does not exist)"
     r"|(?<!client )\bsecret(?: version)? [^\n]{0,60}(?:is|has been|was) (?:disabled|destroyed|scheduled for deletion)",
     "store"),
    ("client_email", r"does not contain a client_email", "login"),
    ("decoder routines", r"decoder routines::unsupported", "login"),
    (("invalid_scope", "deleted_client"), "", "login"),
    ("gcloud",
     r"gcloud (?:auth |cli )?(?:credentials|login|session) (?:\w{1,6} )?(?:expired|invalid|missing)", "login"),
    ("active account", r"not currently have an active account", "login"),
    ("short-lived token", r"token must be a short-lived token", "login"),
    weight=GENERAL,
)  # fmt: skip
_OF_NO_ANSWER = phrases(
    ("httpclient.timeout", "", "timeout"),
    ("properly respond", r"did not properly respond", "timeout"),
    ("due to timeout", "", "timeout"),
    ("net::", r"\bnet::(?:read|open|write)timeout", "timeout"),
    (("ssl connection", "remote certificate", "violation of protocol", "not verified", "sslpeer"),
     r"ssl connection could not be established|remote certificate (?:is|was) (?:invalid|rejected)"
     r"|eof occurred in violation of protocol|hostname [^\n]{0,100}not verified|sslpeerunverified", "tls"),
    (("to proxy", "to the proxy"), r"(?:cannot|could not|unable to) connect to (?:the )?proxy", "proxy"),
    ("unresolvedaddress", "", "dns"),
    ("specified hostname", r"server with the specified hostname could not be found", "dns"),
    (("und_err_socket", "other side closed", "networkerror when", "no route to host", "noroutetohost"),
     "", "connection"),
    ("typeerror: terminated", "", "connection"),
    ("unexpected e", r"unexpected (?:eof|end of (?:stream|file))", "connection"),
    ("unavailable: io exception", "", "connection"),
    ("network connection", r"network connection was lost", "connection"),
    ("connection closed", r"connection closed (?:before|unexpectedly|by)", "connection"),
    ("closed connection", r"prematurely closed connection", "connection"),
    ("connectionfailed", "", "connection"),
    ("websocket", r"websocket connection to '[^'\n]{1,300}' failed|websocket (?:was )?closed abnormally", "connection"),
    weight=CODE,
)  # fmt: skip
_VAGUE = phrases(
    ("invalid_token", r"\binvalid_token\b", "unauthorized"),
    (("login required", "not logged in", "sign in required"), "", "unauthorized"),
    ("unauthenticated", r"\bunauthenticated\b", "unauthorized"),
    ("authenticationexception", "", "unauthorized"),
    ("not authori", r"\bnot authori[sz]ed\b", "unauthorized"),
    ("not authori", r"not authori[sz]ed to (?:access|use|perform|view|call|invoke|make|do)", "forbidden"),
    (("n't have", "n\u2019t have"),
     r"do(?:es)?n['\u2019]t have (?:the |a |any )?(?:required |necessary |sufficient )?"
     r"(?:permissions?|access|rights?)\b",
     "forbidden"),
    (("accessdenied", "insufficient_scope"), "", "forbidden"),
    (("allowlist", "whitelist", "allow list", "white list"),
     r"not (?:in|on) (?:the |your |an? )?(?:allow|white) ?list", "forbidden"),
    ("your ip", r"your ip (?:address )?(?:is |was |has been )?(?:blocked|banned|denied)", "blocked"),
    (("ratelimit", "rate_limit", "quotaexceeded", "toomanyrequests"),
     r"rate_?limit_?(?:exceeded|reached|ed\b)|quotaexceeded|toomanyrequests", "quota"),
    ("throttl", r"\bthrottl(?:ed|ing)", "quota"),
    ("rate limit", r"(?:^|\n|: ?)rate limit\b|\brate limit(?:[.!]|$|\n)", "quota"),
    ("quota",
     r"\b(?:insufficient|no|over|exceeds the available|not enough) quota\b|quota limit (?:hit|reached|exceeded)",
     "quota"),
    ("limit",
     r"(?<!size )(?<!length )(?<!context )(?<!depth )(?<!character )\blimit (?:was |has been )?(?:reached|hit|exceeded)"
     r"|(?:reached|hit|exceeded) (?:your|the|its|our) (?:(?!size|length|context|maximum)\w{1,12} ){0,2}limit\b"
     r"|\blimit \d{1,9}, used \d{1,9}", "quota"),
    (("too fast", "slow down"), r"(?:sending|making) [^\n]{0,20}too fast|(?:^|\n|, |: ?)slow down\b", "quota"),
    (("free_tier", "freetier"), r"free_tier_\w{1,20}|-freetier\b", "quota"),
    ("resource exhausted", "", "quota"),
    (("backend error", "backenderror", "backend_error"), "", "server"),
    (("server", "occurred on"),
     r"error (?:has )?occurred on (?:the|our) (?:server|end|side)"
     r"|server (?:had|encountered|has) an? (?:\w{1,12} )?error"
     r"|server (?:is )?(?:busy|down|overloaded)|no available server", "server"),
    weight=VAGUE,
)  # fmt: skip
PHRASES = (
    *_OF_A_KEY, *_OF_A_LOGIN, *_OF_MACHINES, *_OF_A_PROJECT, *_OF_A_REQUEST, *_OF_A_STORE, *_OF_NO_ANSWER, *_VAGUE,
)  # fmt: skip
