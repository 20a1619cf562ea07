"""Parts of patterns: the names of a key, and words about a key."""

from __future__ import annotations

_NAME = r"(?:api[ _-]?keys?|api[ -]?token)\w{0,20}\b"
KEY = r"\w{0,40}" + _NAME
KEY_FIRST = _NAME
"""The same, for the beginning of a pattern. It does not match the characters before the name."""
NEEDLES = ("api key", "api_key", "api-key", "apikey", "api token", "api-token", "apitoken", "api\nkey", "api\ntoken")
"""Each match of these patterns has one of these words."""
IS_MISSING = (
    r"(?:missing|empty|undefined|unset|required|blank|absent|unbound variable|null or not set"
    r"|(?:is|was|got|be) (?:null|none|nil)"
    r"|not (?:been )?(?:set|found|provided|configured|specified|supplied|defined|given|available|present|passed"
    r"|detected|loaded|exist|initiali[sz]ed|entered)"
    r"|(?:isn't|wasn't|hasn't been) (?:set|found|provided|configured|defined)"
    r"|must (?:be|not be)|(?:must|should|needs? to|has to|to) (?:either )?be (?:set|provided|passed|specified"
    r"|configured)"
    r"|(?:cannot|can't|can not|should not) be (?:null|empty|blank|none|undefined)"
    r"|could not be (?:found|resolved|loaded|determined)|field required|doesn't exist|does not exist)"
)
LACKS = (
    r"(?:missing|\bno|without(?: an?)?|(?:did not|didn't|could not|couldn't|cannot|can't|unable to)"
    r" (?:find|get|load|read|resolve|determine)|\bneeds?|\brequires?|\bset (?:the |your |either )?"
    r"|\bprovide\b(?! a valid)|(?:cannot|can't) be (?:null|empty|blank)|undefined (?:array key|constant|variable|index)"
    r"|could not resolve placeholder|\bkeyerror|key not found|\benter (?:your|an?|the)\b(?! valid)"
    r"|please (?:set|provide|add|configure|enter|specify|pass in|supply|input|export|define)"
    r"|must (?:set|provide|specify|pass|supply|configure))"
)
IS_BAD = (
    r"(?:invalid|not (?:a )?valid|isn't valid|incorrect|wrong|expired|revoked|disabled|deactivated|malformed"
    r"|unauthori[sz]ed|rejected|not (?:recogni[sz]ed|accepted|authori[sz]ed)|unrecogni[sz]ed|banned|inactive)"
)
