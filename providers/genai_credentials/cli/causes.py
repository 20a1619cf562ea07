"""What there is to say about each cause: headline, likely causes and what to run next; a table and nothing else.

What the API and gateways say of a key comes from `genai_credentials.reasons` and `messages`, which the policy and the
log share; the other answers of the API, and what goes wrong elsewhere, have their rows here, in `elsewhere` and in
`of_proxy`.
"""

from __future__ import annotations

from genai_credentials.cli.elsewhere import ELSEWHERE
from genai_credentials.cli.meaning import (
    CHECK,
    CHECK_EACH,
    CHECK_GATEWAY,
    CHECK_GOOGLE,
    GATEWAY,
    STATUS,
    Meaning,
)
from genai_credentials.cli.of_proxy import OF_PROXY
from genai_credentials.cli.output import BAD, MISCONFIGURED, OK, UNCLEAR
from genai_credentials.messages import NO_KEY_SENT, ROWS, UNSET, WRONG_GATEWAY
from genai_credentials.reasons import BADLY_PASTED

__all__ = [
    "ACCEPTED",
    "CHECK",
    "EXITS",
    "GATEWAY",
    "NO_KEY_SENT",
    "NO_MODELS",
    "TABLE",
    "UNRECOGNISED",
    "UNSET",
    "WRONG_GATEWAY",
    "Meaning",
]

EXITS = {
    "accepted": OK,
    "refused": BAD,
    "no_key": BAD,
    "misconfigured": MISCONFIGURED,
    "not_the_key": UNCLEAR,
    "unknown": UNCLEAR,
}
"""Verdict -> exit code of `check`. `explain` differs in one: that it is not the key is an answer, so 0."""

ACCEPTED = Meaning("accepted", "accepted", "The API accepts the key.", run=())
NO_MODELS = Meaning(
    "unknown",
    "no_models",
    "The answer was 200, but no list of models.",
    (
        "The base URL is that of a page for people, a login or a proxy.",
        "A gateway that reports errors with status 200, or lists no models.",
    ),
    "Check the base URL: scheme, host and port of the API, without /v1beta.",
    (STATUS,),
)
UNRECOGNISED = Meaning(
    "unknown",
    "unrecognised",
    "There is no error in this text that this command knows.",
    remedy="Paste the whole error: its status, such as 401, and what stands in braces after it.",
)
_RUN = {
    "refused": (STATUS, CHECK_EACH),
    "no_key": (STATUS, CHECK),
    "misconfigured": (CHECK_EACH,),
    "not_the_key": (CHECK,),
    "unknown": (STATUS, CHECK),
}
_GATEWAY_RUN = (STATUS, CHECK_GATEWAY, CHECK_GOOGLE)
_GATEWAYS = "On a gateway it is the gateway's own: look in its console."
_SAID_BY_ROWS = {
    name: Meaning(row.verdict, name, row.meaning, row.causes, row.remedy, _RUN[row.verdict])
    for name, row in ROWS.items()
}
_GATEWAY_ROW = _SAID_BY_ROWS["gateway"]._replace(
    remedy="Look the token up in the gateway's console; Google's knows nothing of it.", run=_GATEWAY_RUN
)
_OF_THE_API = {
    "unauthorized": Meaning(
        "refused", "unauthorized", "The key was refused; the text does not tell by whom.",
        (UNSET, "The key was deleted, disabled or has expired.", BADLY_PASTED,
         "It was sent to the wrong place: a gateway's token to Google, or Google's key to a gateway."),
        "Compare the key's fingerprint with the store's, and see which host answered.", _GATEWAY_RUN,
    ),
    "no_key_sent": Meaning(
        "no_key", "no_key_sent", "No usable key arrived at whoever answered.",
        ("The variable is unset or empty where the process runs.",
         "The key was sent in another header than the one that is looked at: x-goog-api-key, Authorization, x-api-key.",
         "A proxy or gateway in between drops the header.",
         "A redirect to another host, which the key does not follow."),
        "See which link should have had the key, and which header whoever answered wants.", (STATUS, CHECK),
    ),
    "region": Meaning(
        "not_the_key", "region", "The API is not offered where this request came from.",
        ("The machine, or the proxy it goes through, stands in a country that is not supported.",
         "The project has no billing, and the free tier is not offered in this country."),
        "Send the request from elsewhere, or use a paid project, which covers more countries.", (CHECK,),
    ),
    "several_credentials": Meaning(
        "misconfigured", "several_credentials", "The request carried several credentials.",
        ("A header of the application's, of a proxy or a gateway is sent beside the key.",
         "The key stands in the URL and in a header."),
        "Send one: either x-goog-api-key or Authorization.", (),
    ),
    "two_variables": Meaning(
        "misconfigured", "two_variables", "GOOGLE_API_KEY and GEMINI_API_KEY are both set, and only one is used.",
        ("A key of another project, or an old one, is left in the one that wins: GOOGLE_API_KEY.",),
        "Unset the one that was not meant.", (STATUS, CHECK_EACH),
    ),
    "bad_request": Meaning(
        "not_the_key", "bad_request", "The request itself was refused; the key was not the reason.",
        remedy="Look at the message: it names the field.", run=(),
    ),
    "doubtful": Meaning(
        "unknown", "doubtful",
        "A bad request, or an invalid key: Google answers both with 400, and the message is missing.",
        ("If the message says 'API key not valid', 'not found' or 'expired', it is the key.",
         "If it names a field, a role, a model or a token count, it is the request."),
        "Look for the message in braces after the status; or ask with another request.", (CHECK, STATUS),
    ),
    "precondition": Meaning(
        "not_the_key", "precondition", "The API takes no such request from this place or this project as they are.",
        ("The country that the request came from is not supported.",
         "The free tier is not offered there, and the project has no billing.",
         "The resource is not ready, such as a file that is still being processed."),
        "Look at the message: it names what is missing.", (CHECK,),
    ),
    "content_blocked": Meaning(
        "not_the_key", "content_blocked", "The API answered, and blocked the content by its safety rules.",
        remedy="Change the prompt or the safety settings; the key was accepted.", run=(),
    ),
    "not_found": Meaning(
        "not_the_key", "not_found", "There is no such model, resource or path.",
        ("A model's name that is misspelt, retired, or not offered by this version of the API.",
         "A base URL with a path too many, such as /v1beta.", "A gateway that does not offer this call."),
        "Check the model's name and the base URL.", (CHECK,),
    ),
    "project_unknown": Meaning(
        "misconfigured", "project_unknown",
        "Google does not know the project that the request names, or not for this login.",
        ("GOOGLE_CLOUD_PROJECT, or the project in the configuration, is unset, misspelt or deleted.",
         "The account that is logged in may not use that project.",
         "The client is in Vertex AI mode, where an API key was meant."),
        "Name the project as the console does, and grant the account a role in it; or use an API key alone.",
        (STATUS, CHECK),
    ),
    "client_retired": Meaning(
        "misconfigured", "client_retired", "Google no longer serves this tool's login with a Google account.",
        ("The tool logs in through Gemini Code Assist for individuals, which Google ended for it.",
         "No API key is set, so the tool used that login."),
        "Give the tool an API key, if it takes one; else use the tool that the message names.", (STATUS, CHECK),
    ),
    "signature": Meaning(
        "unknown", "signature", "A signature was refused; an API key has none, so another credential is meant.",
        ("AWS, if the text names SignatureDoesNotMatch or an AWS service: the secret access key, or the clock.",
         "A Google Cloud login, if the text names invalid_grant or a service account: its key, or the clock.",
         "A gateway that takes signed tokens (JWT): the token, or the secret that it was signed with."),
        "Look for the name of the service that answered.", (STATUS, CHECK),
    ),
    "quota": Meaning(
        "not_the_key", "quota",
        "The quota is used up for now, or requests come too fast; that says nothing against the key.",
        ("The free tier's limit per minute or per day.", "Many processes share the project's quota.",
         "A model that the free tier does not offer: its limit is 0."),
        "Wait as long as the answer says, or raise the quota. Google counts per project: another key of it won't help. "
        "A pool of projects breaks its terms. A gateway has a quota of its own.",
        (),
    ),
    "openai_quota": Meaning(
        "not_the_key", "openai_quota", "The quota at OpenAI is used up: the request went to OpenAI, not to Gemini.",
        ("The client has no base_url, so it talks to OpenAI.", "The OpenAI account has no credit."),
        "Set base_url to the Gemini API's OpenAI-compatible endpoint, or pay for the OpenAI account.", (STATUS, CHECK),
    ),
    "credits": Meaning(
        "not_the_key", "credits",
        "The money is used up: prepaid credit, or a spending cap; that says nothing against the key.",
        ("The project's prepaid credit is spent.", "A monthly spending cap was reached.", "A payment failed."),
        "Pay, or raise the cap, where the account is billed (Google's in AI Studio, under Billing). Another key of the "
        "same project won't help.", (CHECK,),
    ),
    "server": Meaning(
        "not_the_key", "server", "The server failed or is overloaded; it says nothing about the key.",
        remedy="Try again in a while, with growing pauses; another model may be less busy.", run=(CHECK,),
    ),
    "front_door": Meaning(
        "unknown", "front_door", "Google's front door refused the request, before the API saw it.",
        ("The key's header is empty or malformed: quotes, line breaks or white space in it.",
         "The address or the country that the request came from is blocked.",
         "The URL is malformed: a path too many, a model's name with a blank in it."),
        "Look at the key for stray characters and at the base URL; try from another network.", (STATUS, CHECK),
    ),
    "other_status": Meaning(
        "unknown", "other_status", "An answer that says nothing about the key.", run=(CHECK,),
    ),
    "closed": Meaning(
        "unknown", "closed", "The WebSocket was closed, and the text does not tell why.",
        ("The message after the code says why: only it tells a bad key from a bad request.",
         "A key that may not use the Live API, or a model without it.", "A session that lasted its time."),
        "Look for the close reason in the log.", (CHECK, STATUS),
    ),
}  # fmt: skip
_OF_GATEWAYS = {
    "gateway": _GATEWAY_ROW,
    "openai": Meaning(
        "refused", "openai", "OpenAI refused the key: the request went to OpenAI, not to Gemini.",
        ("The client has no base_url, so it talks to OpenAI.",
         "A key of Gemini's was put where one of OpenAI's belongs."),
        "Set base_url to the Gemini API's OpenAI-compatible endpoint, or to the gateway.", (STATUS, CHECK),
    ),
    "anthropic": Meaning(
        "refused", "anthropic",
        "Anthropic refused the key: the request went to Anthropic, or to a gateway that acts as it.",
        ("The client's base_url is Anthropic's, or unset.",
         "A key of Gemini's was put where one of Anthropic's belongs."),
        "Set the base URL to the Gemini API or to the gateway, and give it that one's key.", (STATUS, CHECK),
    ),
    "gateway_quota": Meaning(
        "not_the_key", "gateway_quota", "The account at the gateway has no credit left; Google never saw the request.",
        ("The gateway's balance is used up, or too small for this request.", "A budget that the gateway's owner set."),
        "Top the account up, or raise the token's limit, in the gateway's console.", (),
    ),
    "gateway_forbidden": Meaning(
        "misconfigured", "gateway_forbidden", "The gateway knows who asks, and does not allow this.",
        ("The token or its group may not use this model or this call.",
         "Its list of addresses leaves this machine out.", "A policy of the gateway's denies it."),
        "Allow it in the gateway's console, or use a token that may; Google never saw the request.",
        (STATUS, CHECK_GATEWAY),
    ),
    "gateway_route": Meaning(
        "not_the_key", "gateway_route", "The gateway has nowhere to send this request.",
        ("It has no channel for this model, or none for the token's group.",
         "All its channels are switched off or busy."),
        "Use a model that the gateway offers, or mend its channels; the token itself was accepted.", (),
    ),
    "gateway_path": Meaning(
        "misconfigured", "gateway_path", "AWS API Gateway has no such path or method; that is how it says so.",
        ("The stage or the path is missing from the base URL.", "The method is another than the one that is deployed.",
         "An API that wants an AWS signature."),
        "Check the base URL, its stage and path.", (CHECK,),
    ),
    "blocked": Meaning(
        "not_the_key", "blocked", "A firewall in front of the API or the gateway blocked the request.",
        ("The machine's address or country is on a list.", "Too many requests from this address.",
         "The request looks like that of a bot to it."),
        "Ask whoever runs the firewall, or send the request from another network.", (CHECK,),
    ),
}  # fmt: skip
_SAID_BY_ROWS["forbidden"] = _SAID_BY_ROWS["forbidden"]._replace(run=(STATUS, CHECK, CHECK_GATEWAY))

TABLE: dict[str, Meaning] = {**_SAID_BY_ROWS, **_OF_THE_API, **_OF_GATEWAYS, **ELSEWHERE, **OF_PROXY}
"""Every cause, and what there is to say about it."""
