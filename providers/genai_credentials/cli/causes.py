"""The explanation of each cause: the meaning, the likely causes, the remedy and the commands to run next.

The answers about a key have their rows in `genai_credentials.reasons` and `messages`, which the policy and the log use
too. The other answers of the API have their rows here. Errors of other places are in `elsewhere` and in `of_proxy`.
"""

from __future__ import annotations

from genai_credentials.cli.causes_before_api import BEFORE_API
from genai_credentials.cli.causes_of_proxy import OF_PROXY
from genai_credentials.cli.meaning import (
    CHECK,
    CHECK_EACH,
    CHECK_GATEWAY,
    CHECK_GOOGLE,
    GATEWAY,
    STATUS,
    Meaning,
)
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
"""Verdict -> exit code of `check`. In `explain`, the verdict "not_the_key" has the exit code 0."""

ACCEPTED = Meaning("accepted", "accepted", "The API accepts the key.", run=())
NO_MODELS = Meaning(
    "unknown",
    "no_models",
    "The status was 200, but the answer is not a list of models.",
    (
        "The base URL is the URL of a web page, a login page or a proxy.",
        "The gateway reports an error with status 200, or cannot list models.",
    ),
    "Check the base URL. It is the scheme, host and port of the API, without /v1beta.",
    (STATUS,),
)
UNRECOGNISED = Meaning(
    "unknown",
    "unrecognised",
    "This command recognises no error in this text.",
    remedy="Paste the whole error, with its status (such as 401) and the text in braces after the status.",
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
    remedy="Look for the token in the console of the gateway. Google's console does not list it.", run=_GATEWAY_RUN
)
_OF_THE_API = {
    "unauthorized": Meaning(
        "refused", "unauthorized", "The key was refused. The text does not show which server refused it.",
        (UNSET, "The key was deleted or disabled, or it has expired.", BADLY_PASTED,
         "The key was sent to the wrong server: a token of a gateway to Google, or a key of Google to a gateway."),
        "Compare the fingerprint of the key with the key in the store, and find out which host answered.", _GATEWAY_RUN,
    ),
    "no_key_sent": Meaning(
        "no_key", "no_key_sent", "The server received no usable key.",
        ("The variable of the process is unset or empty.",
         "The server reads another header than the client sends: x-goog-api-key, Authorization or x-api-key.",
         "A proxy or a gateway drops the header.",
         "The request was redirected to another host. The key is not sent there."),
        "Check which link should have the key, and which header the server reads.", (STATUS, CHECK),
    ),
    "region": Meaning(
        "not_the_key", "region", "The API is not available in the country of this request.",
        ("The machine, or its proxy, is in a country that is not supported.",
         "The project has no billing, and the free tier is not available in this country."),
        "Send the request from another country, or use a paid project. A paid project covers more countries.", (CHECK,),
    ),
    "several_credentials": Meaning(
        "misconfigured", "several_credentials", "The request carried several credentials.",
        ("The application, a proxy or a gateway sends a second header with credentials.",
         "The key is in the URL and in a header."),
        "Send only one of the headers x-goog-api-key and Authorization.", (),
    ),
    "two_variables": Meaning(
        "misconfigured", "two_variables", "GOOGLE_API_KEY and GEMINI_API_KEY are both set, and only one is used.",
        ("GOOGLE_API_KEY wins, and holds an old key or a key of another project.",),
        "Unset the variable that you do not need.", (STATUS, CHECK_EACH),
    ),
    "bad_request": Meaning(
        "not_the_key", "bad_request", "The API refused the request. The key was not the reason.",
        remedy="Read the message. It names the wrong field of the request.", run=(),
    ),
    "doubtful": Meaning(
        "unknown", "doubtful",
        "The request is bad, or the key is invalid. Google answers both with 400, and the message is missing.",
        ("If the message says 'API key not valid', 'not found' or 'expired', the key is the cause.",
         "If the message names a field, a role, a model or a token count, the request is the cause."),
        "Look for the message in braces after the status, or send another request.", (CHECK, STATUS),
    ),
    "precondition": Meaning(
        "not_the_key", "precondition", "A condition of the API for this request is not met.",
        ("The country of the request is not supported.",
         "The free tier is not available in this country, and the project has no billing.",
         "The resource is not ready. For example, a file is still being processed."),
        "Read the message. It names the condition.", (CHECK,),
    ),
    "content_blocked": Meaning(
        "not_the_key", "content_blocked", "The API accepted the key, and blocked the content by its safety rules.",
        remedy="Change the prompt or the safety settings.", run=(),
    ),
    "not_found": Meaning(
        "not_the_key", "not_found", "There is no such model, resource or path.",
        ("The name of the model is misspelt, or this version of the API does not have the model.",
         "The base URL has an extra path, such as /v1beta.", "The gateway does not support this call."),
        "Check the name of the model and the base URL.", (CHECK,),
    ),
    "project_unknown": Meaning(
        "misconfigured", "project_unknown",
        "The project of the request does not exist, or this login may not use it.",
        ("GOOGLE_CLOUD_PROJECT, or the project in the configuration, is unset, misspelt or deleted.",
         "The logged-in account may not use that project.",
         "The client is in Vertex AI mode, and should use an API key."),
        "Write the project id as the console shows it, and grant the account a role in the project. Or use an API key.",
        (STATUS, CHECK),
    ),
    "client_retired": Meaning(
        "misconfigured", "client_retired", "Google no longer accepts the Google login of this tool.",
        ("The tool logs in through Gemini Code Assist for individuals. Google no longer supports this for the tool.",
         "No API key is set, so the tool used that login."),
        "Set an API key in the tool. If it accepts no API key, use the tool that the message names.", (STATUS, CHECK),
    ),
    "signature": Meaning(
        "unknown", "signature", "A signature was refused. An API key has no signature, so another credential is wrong.",
        ("If the text names SignatureDoesNotMatch or an AWS service: the AWS secret access key or the clock is wrong.",
         "If the text names invalid_grant or a service account: the key of a Google login or the clock is wrong.",
         "If a gateway uses signed tokens (JWT): the token, or the secret of its signature, is wrong."),
        "Find out which service answered: look for its name in the text.", (STATUS, CHECK),
    ),
    "quota": Meaning(
        "not_the_key", "quota",
        "The quota is used up, or the requests are too fast. The key is not the cause.",
        ("The limit of the free tier per minute or per day is reached.",
         "Many processes share the quota of the project.",
         "The free tier does not have this model: its limit is 0."),
        "Wait as long as the answer says, or raise the quota. Another key of the same project does not help. "
        "A pool of projects breaks Google's terms. A gateway has its own quota.",
        (),
    ),
    "openai_quota": Meaning(
        "not_the_key", "openai_quota", "The quota at OpenAI is used up: the request went to OpenAI, not to Gemini.",
        ("The client has no base_url, so it sends requests to OpenAI.", "The OpenAI account has no credit."),
        "Set base_url to the OpenAI-compatible endpoint of the Gemini API, or pay for the OpenAI account.",
        (STATUS, CHECK),
    ),
    "credits": Meaning(
        "not_the_key", "credits",
        "The credit is used up, or a spending limit is reached. The key is not the cause.",
        ("The prepaid credit of the project is used up.", "A monthly spending limit is reached.", "A payment failed."),
        "Pay, or raise the limit, on the billing page of the account (for Google: AI Studio, Billing). Another key of "
        "the same project does not help.", (CHECK,),
    ),
    "server": Meaning(
        "not_the_key", "server", "The server failed or is overloaded. The key is not the cause.",
        remedy="Try again later, with longer and longer pauses. Another model may be less busy.", run=(CHECK,),
    ),
    "front_door": Meaning(
        "unknown", "front_door", "A web server of Google refused the request before it reached the API.",
        ("The header with the key is empty, or has quotes, line breaks or white space.",
         "The address or the country of the request is blocked.",
         "The URL is wrong: it has an extra path, or a blank in the name of the model."),
        "Check the key for extra characters, and check the base URL. Try from another network.", (STATUS, CHECK),
    ),
    "other_status": Meaning(
        "unknown", "other_status", "The answer does not show whether the key is good.", run=(CHECK,),
    ),
    "closed": Meaning(
        "unknown", "closed", "The WebSocket was closed, and the text does not give the reason.",
        ("The message after the close code gives the reason: a bad key or a bad request.",
         "The key may not use the Live API, or the model does not support it.", "The session reached its time limit."),
        "Look for the message after the close code in the log.", (CHECK, STATUS),
    ),
}  # fmt: skip
_OF_GATEWAYS = {
    "gateway": _GATEWAY_ROW,
    "openai": Meaning(
        "refused", "openai", "OpenAI refused the key: the request went to OpenAI, not to Gemini.",
        ("The client has no base_url, so it sends requests to OpenAI.",
         "A key for Gemini is used as a key for OpenAI."),
        "Set base_url to the OpenAI-compatible endpoint of the Gemini API, or to the gateway.", (STATUS, CHECK),
    ),
    "anthropic": Meaning(
        "refused", "anthropic",
        "Anthropic refused the key: the request went to Anthropic, or to a gateway with the same API.",
        ("The base URL of the client is unset, or is the URL of Anthropic.",
         "A key for Gemini is used as a key for Anthropic."),
        "Set the base URL to the Gemini API or to the gateway, and use a key for that server.", (STATUS, CHECK),
    ),
    "gateway_quota": Meaning(
        "not_the_key", "gateway_quota", "The account at the gateway has no credit. Google did not receive the request.",
        ("The credit at the gateway is used up, or too small for this request.",
         "The owner of the gateway has set a budget."),
        "Add credit, or raise the limit of the token, in the console of the gateway.", (),
    ),
    "gateway_forbidden": Meaning(
        "misconfigured", "gateway_forbidden",
        "The gateway accepts the token, but does not allow this request. Google did not receive it.",
        ("The token or its group may not use this model or this call.",
         "The token allows only certain addresses, and not this machine.",
         "A policy of the gateway denies the request."),
        "Allow the request in the console of the gateway, or use a token with this permission.",
        (STATUS, CHECK_GATEWAY),
    ),
    "gateway_route": Meaning(
        "not_the_key", "gateway_route", "The gateway accepted the token, but has no server for this request.",
        ("The gateway has no channel for this model, or for the group of the token.",
         "All channels are disabled or busy."),
        "Use a model that the gateway has, or repair its channels.", (),
    ),
    "gateway_path": Meaning(
        "misconfigured", "gateway_path",
        "AWS API Gateway has no such path or method. It reports this as a missing token.",
        ("The stage or the path is missing in the base URL.", "The deployed API has another method.",
         "The API needs an AWS signature."),
        "Check the base URL, with its stage and its path.", (CHECK,),
    ),
    "blocked": Meaning(
        "not_the_key", "blocked", "A firewall before the API or the gateway blocked the request.",
        ("The firewall blocks the address or the country of this machine.", "This address has sent too many requests.",
         "The request looks like the request of a bot."),
        "Ask the administrator of the firewall, or send the request from another network.", (CHECK,),
    ),
}  # fmt: skip
_SAID_BY_ROWS["forbidden"] = _SAID_BY_ROWS["forbidden"]._replace(run=(STATUS, CHECK, CHECK_GATEWAY))

TABLE: dict[str, Meaning] = {**_SAID_BY_ROWS, **_OF_THE_API, **_OF_GATEWAYS, **BEFORE_API, **OF_PROXY}
"""All causes, each with its explanation."""
