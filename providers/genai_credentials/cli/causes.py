"""What there is to say about each cause: headline, likely causes and what to run next; a table and nothing else."""

from __future__ import annotations

from typing import Any, NamedTuple

from genai_credentials.cli.output import BAD, MISCONFIGURED, OK, UNCLEAR

EXITS = {
    "accepted": OK,
    "refused": BAD,
    "no_key": BAD,
    "misconfigured": MISCONFIGURED,
    "not_the_key": UNCLEAR,
    "unknown": UNCLEAR,
}
"""Verdict -> exit code of `check`. `explain` differs in one: that it is not the key is an answer, so 0."""

GATEWAY = "https://YOUR-GATEWAY"
STATUS = ("genai-credentials status", "which key serves on this machine, and why")
CHECK = ("genai-credentials check", "ask the API itself about that key")
CHECK_EACH = ("genai-credentials check --each", "ask about each link's key on its own")
CHECK_GATEWAY = (
    f"genai-credentials check --each --base-url {GATEWAY}",
    "ask the gateway about each link's key on its own",
)
CHECK_GOOGLE = (
    "genai-credentials check --base-url https://generativelanguage.googleapis.com",
    "is the same key good at Google itself?",
)


class Meaning(NamedTuple):
    """What an answer means.

    Args:
        verdict: A key of `EXITS`.
        cause: A word for it, from this module or `rejection`; never from the answer.
        title: It in a sentence.
        causes: What is probably behind it, the likeliest first; empty where the title says it all.
        remedy: What to do about it; may be empty.
        run: Commands to run next, each with what it tells.
    """

    verdict: str
    cause: str
    title: str
    causes: tuple[str, ...] = ()
    remedy: str = ""
    run: tuple[tuple[str, str], ...] = (STATUS, CHECK)

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "verdict": self.verdict,
            "cause": self.cause,
            "meaning": self.title,
            "likely_causes": list(self.causes),
            "remedy": self.remedy,
            "run_next": [command for command, _ in self.run],
        }


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

NO_KEY_SENT = "No key was sent: the variable is unset or empty where the process runs."
WRONG_GATEWAY = "The wrong gateway: another one's token, or a Google key it doesn't take."
UNSET = "The variable is unset or empty where the process runs, or another key in the chain was meant."
_PASTED = "It was badly pasted: cut off, two keys in one, quotes or a line break around it."
TABLE = {
    "API_KEY_INVALID": Meaning(
        "refused",
        "API_KEY_INVALID",
        "Google does not know this key, or no longer.",
        (
            "It was deleted or rotated, and this process or this store still has the old one.",
            "It has expired.",
            _PASTED,
            "It is a key of another service: of Maps, of a gateway, of OpenAI.",
        ),
        run=(STATUS, CHECK_EACH),
    ),
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": Meaning(
        "refused",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        "Google takes the key for an access token, and for an invalid one: so are AQ. keys answered that are no good.",
        (
            "An AQ. key that was cut off when it was copied.",
            "An AQ. key that was deleted, or whose service account is gone.",
            "An AQ. key sent as 'Authorization: Bearer' or to another API than the Gemini API.",
        ),
        run=(STATUS, CHECK_EACH),
    ),
    "CONSUMER_SUSPENDED": Meaning(
        "refused",
        "CONSUMER_SUSPENDED",
        "Google suspended the project that the key belongs to.",
        ("Billing: unpaid, or its account was closed.", "A breach of the terms, or abuse through a leaked key."),
        run=(CHECK_EACH,),
    ),
    "leaked": Meaning(
        "refused",
        "leaked",
        "Google found this key in public, and blocked it for good.",
        (
            "It is in a public repository, a notebook, an app or a web page.",
            "It was printed into a log or an error that others can read.",
        ),
        run=(STATUS, CHECK_EACH),
    ),
    "unauthenticated": Meaning(
        "refused",
        "unauthenticated",
        "Google does not accept the credentials of the request.",
        (
            UNSET,
            "The key was deleted, disabled or has expired.",
            "A standard AIza key without restrictions: Google refuses those since June 2026.",
            _PASTED,
            "It was sent in another header than x-goog-api-key.",
        ),
        run=(STATUS, CHECK_EACH),
    ),
    "gateway": Meaning(
        "refused",
        "gateway",
        "A gateway's own token check refused the key; Google never saw the request.",
        (
            NO_KEY_SENT,
            "The token expired, was disabled or deleted, or has used up its quota.",
            "It was badly pasted: cut off, or with quotes, line breaks or 'Bearer '.",
            WRONG_GATEWAY,
        ),
        "Look the token up in the gateway's console; Google's knows nothing of it.",
        run=(STATUS, CHECK_GATEWAY, CHECK_GOOGLE),
    ),
    "openai": Meaning(
        "refused",
        "openai",
        "OpenAI refused the key: the request went to OpenAI, not to Gemini.",
        (
            "The client has no base_url, so it talks to OpenAI.",
            "A key of Gemini's was put where one of OpenAI's belongs.",
        ),
        "Set base_url to the Gemini API's OpenAI-compatible endpoint, or to the gateway.",
        (STATUS, CHECK),
    ),
    "unregistered callers": Meaning(
        "no_key",
        "unregistered callers",
        "The request carried no key at all.",
        (
            "The variable is unset or empty where the process runs.",
            "The request was redirected, or went to another base URL than the client's: the key stays at home.",
            "A proxy or gateway in between drops the header x-goog-api-key.",
        ),
    ),
    "CREDENTIALS_MISSING": Meaning(
        "misconfigured",
        "CREDENTIALS_MISSING",
        "The key was sent to an API that takes no API keys.",
        ("The client is in Vertex AI mode: GOOGLE_GENAI_USE_VERTEXAI, vertexai=True.", "A wrong base URL."),
    ),
    "SERVICE_DISABLED": Meaning(
        "misconfigured",
        "SERVICE_DISABLED",
        "The key is genuine; its project has the Generative Language API switched off.",
        (
            "It is a key of the wrong project.",
            "The API was never enabled in that project.",
            "It was enabled minutes ago, and not all servers know yet.",
        ),
        run=(CHECK_EACH,),
    ),
    "API_KEY_SERVICE_BLOCKED": Meaning(
        "misconfigured",
        "API_KEY_SERVICE_BLOCKED",
        "The key is genuine; its API restrictions leave out this API.",
        (
            "A key of the wrong project, or one made for another API, such as Maps.",
            "A key of Google AI Studio sent to Vertex AI.",
        ),
        run=(CHECK_EACH,),
    ),
    "PERMISSION_DENIED": Meaning(
        "misconfigured",
        "PERMISSION_DENIED",
        "The request was denied, without a word on the key.",
        (
            "The model, file or cache belongs to another project than the key.",
            "The model is not open to this project or region.",
            "On a gateway: the token may not use this model, or its user or address is blocked.",
        ),
        run=(CHECK_EACH,),
    ),
    "region": Meaning(
        "not_the_key", "region", "The Gemini API is not offered where this request came from.",
        ("The machine, or the proxy it goes through, stands in a country that is not supported.",),
        "Send the request from elsewhere, or use a paid project, which covers more countries.", (),
    ),
    "several_credentials": Meaning(
        "misconfigured", "several_credentials", "The request carried several credentials.",
        ("A header of the application's, of a proxy or a gateway is sent beside the key.",),
        "Send one: either x-goog-api-key or Authorization.", (),
    ),
    "bad_request": Meaning(
        "not_the_key", "bad_request", "The request itself was refused; the key was not the reason.",
        remedy="Look at the message: it names the field.", run=(),
    ),
    "not_found": Meaning(
        "not_the_key", "not_found", "There is no such model, resource or path.",
        ("A model's name that is misspelt or retired.", "A base URL with a path too many, such as /v1beta.",
         "A gateway that does not offer this call."),
        "Check the model's name and the base URL.", (CHECK,),
    ),
    "quota": Meaning(
        "not_the_key", "quota", "The quota is used up for now, or requests come too fast; the key itself was accepted.",
        ("The free tier's limit per minute or per day.", "Many processes share the project's quota."),
        "Wait as long as the answer says, or raise the quota. A further key of the same project does not help.", (),
    ),
    "server": Meaning(
        "not_the_key", "server", "The server failed or is overloaded; it says nothing about the key.",
        remedy="Try again in a while, with growing pauses.", run=(CHECK,),
    ),
    "other_status": Meaning(
        "unknown", "other_status", "An answer that says nothing about the key.", run=(CHECK,),
    ),
    "no_key": Meaning(
        "no_key", "no_key", "There is no key: none was found, so none was sent.",
        ("The variable is unset or empty where the process runs.",
         "Each provider of the chain is absent or broken on this machine.",
         "The process was started before the variable was set."),
        "See which link should have had it.", (STATUS,),
    ),
    "bad_secret": Meaning(
        "no_key", "bad_secret", "What the store holds cannot be a key.",
        ("A placeholder that was never replaced.", _PASTED, "A JSON document, of which one field should be named."),
        "Store the bare key, or name its field.", (STATUS,),
    ),
    "store": Meaning(
        "misconfigured", "store", "The secret store refused, not the Gemini API.",
        ("This identity may not read the secret.", "The secret, its version or its region has another name.",
         "The machine has no cloud credentials, or they have expired."),
        "Mend the access to the store; the key was never seen.", (STATUS,),
    ),
    "missing_package": Meaning(
        "misconfigured", "missing_package", "A package that talks to the store is not installed.",
        remedy="Install the extra that the error names.", run=(STATUS,),
    ),
    "configuration": Meaning(
        "misconfigured", "configuration", "The chain or an option is written wrong.",
        remedy="The error points at the place.", run=(STATUS,),
    ),
    "tls": Meaning(
        "unknown", "tls", "No secure connection: the server's certificate is not trusted here.",
        ("A proxy of the company's that opens TLS, and whose authority this machine does not know.",
         "A gateway with a certificate of its own making."),
        "Name the authority in SSL_CERT_FILE.", (CHECK,),
    ),
    "dns": Meaning(
        "unknown", "dns", "The host's name was not found.",
        ("A misspelt base URL.", "No network, or no DNS, from here.", "The network wants a proxy: HTTPS_PROXY."),
        "Check the base URL and the network.", (CHECK,),
    ),
    "proxy": Meaning(
        "unknown", "proxy", "The proxy did not let the request through.",
        ("HTTPS_PROXY or HTTP_PROXY names a wrong or a closed proxy.", "The proxy wants a login."),
        "Check HTTPS_PROXY and NO_PROXY.", (CHECK,),
    ),
    "timeout": Meaning(
        "unknown", "timeout", "No answer in time.",
        ("The network or a firewall swallows the request.", "The server is overloaded."),
        "Try again; check the way to the host.", (CHECK,),
    ),
    "connection": Meaning(
        "unknown", "connection", "No connection, or one that broke off; the key was not judged.",
        ("Nothing listens there: a wrong port or base URL, or the server is down.",
         "A firewall or a proxy in between."),
        "Check the base URL and the network.", (CHECK,),
    ),
}  # fmt: skip
