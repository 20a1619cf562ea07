"""What Google says: of a key, of a project, of a request."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import CODE, GENERAL, phrases

_OF_A_KEY = phrases(
    ("key not valid", r"api key not valid\. please pass", "API_KEY_INVALID"),
    ("key not valid", r"(?<![a-z] )api[ _]?key not valid", "API_KEY_INVALID"),
    ("key not found", r"api[ _]?key not found\. please", "API_KEY_INVALID"),
    ("key expired", r"(?<![a-z] )api[ _]?key (?:has )?expired", "API_KEY_INVALID"),
    ("please renew the api key", "", "API_KEY_INVALID"),
    ("provided api key is invalid", "", "API_KEY_INVALID"),
    ("keyinvalid", r"\bkeyinvalid\b", "API_KEY_INVALID"),
    ("invalidapikey", r"(?<![.\w])invalidapikey(?:exception|:)", "API_KEY_INVALID"),
    ("reported as leaked", "", "leaked"),
    ("key was leaked", r"\bkey was (?:reported as )?leaked", "leaked"),
    ("denied access", r"project has been denied access", "project_denied"),
    ("terms of service",
     r"(?:disabled|suspended|blocked|banned|terminated)\b[^\n]{0,80} violat\w{1,6} (?:of )?(?:our "
     r"|the |google's )?terms of service", "project_denied"),
    ("suspended",
     r"\b(?:consumer|project|account|api key)\b[^\n]{0,160} (?:has been|is|was) suspended", "CONSUMER_SUSPENDED"),
    ("api keys are not supported", "", "CREDENTIALS_MISSING"),
    ("unregistered callers", "", "unregistered callers"),
    ("without established identity", "", "unregistered callers"),
    ("missing authorization header", r"missing (?:or invalid )?authorization header", "no_key_sent"),
    ("invalid authorization header", r"(?:missing or )?invalid authorization header", "no_key_sent"),
    ("invalid authentication credentials", r"request had invalid authentication credentials", "unauthenticated"),
    ("missing required authentication credential",
     r"request is missing required authentication credential", "CREDENTIALS_MISSING"),
    ("multiple authentication credentials", "", "several_credentials"),
    ("insufficient authentication scopes", "", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
)  # fmt: skip
_OF_ITS_RESTRICTIONS = phrases(
    ("requests from referer", r"requests from referr?er [^\n]{1,300}?\bblocked", "API_KEY_HTTP_REFERRER_BLOCKED"),
    ("ip address restriction", "", "API_KEY_IP_ADDRESS_BLOCKED"),
    ("ip address", r"originating ip address of the call", "API_KEY_IP_ADDRESS_BLOCKED"),
    ("requests from this android", "", "API_KEY_ANDROID_APP_BLOCKED"),
    ("requests from this ios", "", "API_KEY_IOS_APP_BLOCKED"),
    ("requests to this api", r"requests to this api [^\n]{1,300}?\bblocked", "API_KEY_SERVICE_BLOCKED"),
    ("iprefererblocked", "", "API_KEY_HTTP_REFERRER_BLOCKED"),
)  # fmt: skip
_OF_A_PROJECT = phrases(
    ("has not been used in project", "", "SERVICE_DISABLED"),
    ("api is disabled in project", "", "SERVICE_DISABLED"),
    ("accessnotconfigured", "", "SERVICE_DISABLED"),
    ("requires billing to be enabled", "", "BILLING_DISABLED"),
    ("billing account",
     r"billing account[^\n]{0,80}(?:disabled|not active|closed|not found)|(?:no"
     r"|link a) billing account", "BILLING_DISABLED"),
    ("billing to be enabled", "", "BILLING_DISABLED"),
    ("billing must be enabled", "", "BILLING_DISABLED"),
    ("required permission to use project", "", "USER_PROJECT_DENIED"),
    ("permission denied on resource project", "", "project_unknown"),
    ("project",
     r"project '?[\w.:-]{1,60}'? (?:was )?not found or (?:deleted|permission)"
     r"|project .{0,60} has been deleted", "project_unknown"),
    ("prohibited by organization", "", "SECURITY_POLICY_VIOLATED"),
    ("vpcservicecontrols", "", "SECURITY_POLICY_VIOLATED"),
    ("denied on resource", r"permission '?[a-z]\w*\.\w+\.\w+'? denied on resource", "IAM_PERMISSION_DENIED"),
    ("prepayment credits",
     r"prepayment credits (?:are|have been) depleted|prepay\w* [^\n]{0,30}(?:depleted|exhausted)", "credits"),
    ("spending cap",
     r"(?:exceeded|reached)[^\n]{0,40} spending cap|spending cap[^\n]{0,40}(?:exceeded|reached)", "credits"),
    ("spend", r"monthly spend(?:ing)? (?:limit|cap)", "credits"),
    ("dunning", r"\bdunning\b[^\n]{0,80}den", "BILLING_DISABLED"),
)  # fmt: skip
_OF_A_REQUEST = phrases(
    ("location is not supported", "", "region"),
    ("not available in your c", r"not available in your (?:country|region|current location)", "region"),
    ("your country", r"not supported in your (?:country|region)", "region"),
    ("exceeded your current quota", "", "quota"),
    ("resource has been exhausted", "", "quota"),
    ("resource exhausted", r"resource exhausted[.,] please try again", "quota"),
    ("quota exceeded for", r"quota exceeded for (?:quota )?metric", "quota"),
    ("free quota tier", r"does(?:n't| not) have a free quota tier", "quota"),
    ("exhausted your", r"exhausted your (?:capacity|daily quota|quota)", "quota"),
    ("reached your", r"reached your (?:rate|usage|daily|request) limit|you have reached your \w+ quota", "quota"),
    ("model is overloaded", "", "server"),
    ("high demand", r"experiencing high demand", "server"),
    ("internal error has occurred", "", "server"),
    ("internal error encountered", "", "server"),
    ("service is currently unavailable", "", "server"),
    ("deadline expired before", "", "server"),
    ("is not found for api version", "", "not_found"),
    ("no longer available", r"model [^\n]{0,80}(?:is|are) no longer available", "not_found"),
    ("not supported for generatecontent",
     r"not supported for (?:generatecontent|bidigeneratecontent|embedcontent|predict)", "not_found"),
    ("publisher model", r"publisher model[^\n]{0,200}(?:was )?not found", "not_found"),
    ("requested entity was not found", "", "not_found"),
    ("invalid json payload", "", "bad_request"),
    ("invalid value at", r"invalid value at '", "bad_request"),
    ("request contains an invalid argument", "", "bad_request"),
    ("function call turn", r"ensure that (?:the )?function call turn", "bad_request"),
    ("generatecontentrequest.", r"generatecontentrequest\.\w+[^\n]{0,300}:", "bad_request"),
    ("input token count", r"input token count[^\n]{0,60} exceeds", "bad_request"),
    ("unable to process input", "", "bad_request"),
    ("thought_signature", r"missing a thought_signature", "bad_request"),
    ("thinking budget", r"budget \d{1,9} is invalid", "bad_request"),
    ("unsupported mime type", "", "bad_request"),
    ("payload size exceeds", r"request payload size exceeds", "bad_request"),
    ("prohibited_content", "", "content_blocked"),
    ("blocked", r"(?:response|prompt|content|candidate) (?:was|were|has been) blocked", "content_blocked"),
    ("blocked",
     r"blocked (?:due to|because of|for|by) (?:safety|recitation|prohibited|harm|the safety)", "content_blocked"),
    ("blockreason", r"block_?reason\W{1,6}(?:safety|other|blocklist|prohibited)", "content_blocked"),
    ("finish_reason",
     r"finish_?reason(?:\W{1,6}| is )(?:safety|recitation|prohibited|spii|3\b|4\b)", "content_blocked"),
    ("file", r"you do not have permission to access the file", "PERMISSION_DENIED"),
    ("operation is not implemented", "", "bad_request"),
    ("cannot extract voices", "", "bad_request"),
)  # fmt: skip
# Google's front door answers in HTML, before any API has seen the request.
_OF_THE_FRONT_DOOR = phrases(
    ("error 400 (bad request)!!", "", "front_door"),
    ("error 403 (forbidden)!!", "", "front_door"),
    ("permission to get url", r"your client does not have permission to get url", "front_door"),
    ("error 404 (not found)!!", "", "not_found"),
    ("not found on this server", r"requested url [^\n]{0,300} (?:was )?not found on this server", "not_found"),
    ("error 502 (server error)!!", "", "server"),
    ("client has issued a malformed", r"client has issued a malformed or illegal request", "front_door"),
)
_DOUBTFUL = phrases(
    ("caller does not have permission", "", "PERMISSION_DENIED"),
    ("both google_api_key and gemini_api_key are set", "", "two_variables"),
    weight=CODE,
)
_OF_A_MODEL = phrases(
    ("model",
     r"\bmodel\b[^\n]{0,80}\b(?:not found|does not exist|doesn't exist|not supported|not available"
     r"|is unknown)", "not_found"),
    ("model", r"(?:unknown|invalid|unsupported|no such) model\b|model_not_found", "not_found"),
    ("模型", r"模型[^\n]{0,20}(?:不存在|未找到|不支持)", "not_found"),
    weight=GENERAL,
)  # fmt: skip
_LESS = phrases(
    ("invalid credentials", r"invalid credentials\b(?=[^\n]{0,200}(?:autherror|googleapis))", "unauthenticated"),
    ("autherror", r"reason\W{1,6}autherror\b", "unauthenticated"),
    ("quotaexceeded", r"reason\W{1,6}(?:quotaexceeded|(?:user)?ratelimitexceeded|dailylimitexceeded)\b", "quota"),
    weight=GENERAL,
)
PHRASES = (
    *_OF_A_KEY, *_OF_ITS_RESTRICTIONS, *_OF_A_PROJECT, *_OF_A_REQUEST, *_OF_A_MODEL, *_OF_THE_FRONT_DOOR, *_DOUBTFUL,
    *_LESS,
)  # fmt: skip
