"""A table of Google's reasons for an error: the meaning of each reason for the key, and what to do.

The names are those of `google.api.ErrorReason`. They are copied, so that no package of Google is imported. A test
compares them with that enum and fails if Google adds a name. docs/explanation/rejection.md gives the grounds for each
verdict.
"""

from __future__ import annotations

from typing import NamedTuple

REFUSED, NO_KEY, MISCONFIGURED, NOT_THE_KEY, UNKNOWN = "refused", "no_key", "misconfigured", "not_the_key", "unknown"
"""The verdicts. Only a `REFUSED` key is replaced by another key. The other verdicts are at most logged."""


class Row(NamedTuple):
    """One kind of answer.

    Args:
        status: The HTTP status of the answer; None if it has no fixed status.
        verdict: One of the verdicts above.
        meaning: The meaning of the answer in one sentence.
        causes: Probable causes, the most likely first; empty if the meaning names the cause.
        remedy: What to do next.
        proves: Whether the answer shows that Google accepted the key: Google looks up the key before it gives this
            answer.
    """

    status: int | None
    verdict: str
    meaning: str
    causes: tuple[str, ...]
    remedy: str
    proves: bool = False


_CONSOLE = "Google Cloud console > APIs & Services > Credentials"
_ADMIN = "Ask the organisation's administrator, or use a project that the policy leaves alone."
_LOGIN = "Renew that login; with an API key, send no Authorization header beside it."
_BESIDE = "A header of the application's, of a proxy or of a gateway is sent beside the key."
_OTHER_LOGIN = "The application logs in with Google Cloud credentials where an API key was meant."
BADLY_PASTED = "It was badly pasted: cut off, two keys in one, quotes or a line break around it."
WRONG_PROJECT = "It is a key of the wrong project."

REASONS: dict[str, Row] = {
    "ERROR_REASON_UNSPECIFIED": Row(
        None, UNKNOWN, "Google gave no reason.", (), "Read the message: it says what Google minds.",
    ),
    "SERVICE_DISABLED": Row(
        403, MISCONFIGURED, "The key is genuine; its project has the API that was called switched off.",
        (WRONG_PROJECT, "The API was never enabled in that project.",
         "It was enabled minutes ago, and not all servers know yet."),
        "Enable the Generative Language API, or the one that was called, in that project; then wait a few minutes.",
        proves=True,
    ),
    "BILLING_DISABLED": Row(
        403, MISCONFIGURED, "The key is genuine; its project has no billing account, or a closed one.",
        ("The project was never linked to a billing account.", "The account was closed, or a payment failed.",
         WRONG_PROJECT),
        "Link the project to an open billing account, then wait a few minutes.", proves=True,
    ),
    "API_KEY_INVALID": Row(
        400, REFUSED, "Google does not know this key, or no longer.",
        ("It was deleted or rotated, and this process or this store still has the old one.", "It has expired.",
         BADLY_PASTED, "It is a key of another service: of Maps, of a gateway, of OpenAI."),
        "The key is wrong, deleted or expired: create one in Google AI Studio and store it.",
    ),
    "API_KEY_SERVICE_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine; its API restrictions leave out this API.",
        ("A key of the wrong project, or one made for another API, such as Maps.",
         "A key of Google AI Studio sent to Vertex AI.", "The restrictions were changed."),
        f"Add the Generative Language API to the key's API restrictions ({_CONSOLE}).", proves=True,
    ),
    "API_KEY_HTTP_REFERRER_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine; its restrictions name web pages, and this caller is none of them.",
        ("A key made for a browser is used on a server, which sends no referrer.",
         "The page's address is missing from the list."),
        f"The key's referrer restriction refuses this caller ({_CONSOLE}); on a server use a key without one.",
        proves=True,
    ),
    "API_KEY_IP_ADDRESS_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine; its restrictions name addresses, and this machine's is none of them.",
        ("The machine, or the NAT or proxy it goes through, has a new address.",
         "It came by IPv6, and only IPv4 addresses are listed."),
        f"Add this machine's address to the key's IP restriction ({_CONSOLE}).", proves=True,
    ),
    "API_KEY_ANDROID_APP_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine; its restrictions name Android apps, and this caller is none of them.",
        ("A key made for an app is used elsewhere.", "The app's package name or certificate is missing from the list."),
        f"The key is restricted to Android apps ({_CONSOLE}).", proves=True,
    ),
    "API_KEY_IOS_APP_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine; its restrictions name iOS apps, and this caller is none of them.",
        ("A key made for an app is used elsewhere.", "The app's bundle id is missing from the list."),
        f"The key is restricted to iOS apps ({_CONSOLE}).", proves=True,
    ),
    "RATE_LIMIT_EXCEEDED": Row(
        429, NOT_THE_KEY, "Requests come too fast; the key itself was accepted.",
        ("The project's limit per minute or per day.", "Many processes share the project's quota."),
        "Wait as long as the answer says, or raise the quota. A further key of the same project does not help.",
        proves=True,
    ),
    "RESOURCE_QUOTA_EXCEEDED": Row(
        429, NOT_THE_KEY, "The project holds as many resources as it may; the key itself was accepted.",
        ("Files, caches or tuned models that nobody deleted.",),
        "Delete what is not needed, or raise the quota. A further key of the same project does not help.", proves=True,
    ),
    "LOCATION_TAX_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "The tax rules for the billing account's address forbid this location.", (),
        "Use another location, or a project with another billing account.", proves=True,
    ),
    "USER_PROJECT_DENIED": Row(
        403, MISCONFIGURED, "The project that the request names for quota does not exist, or does not let this caller.",
        ("A header x-goog-user-project that the application, gcloud or a proxy adds.",
         "The quota project of the application default credentials."),
        "Take the header x-goog-user-project off, or name a project that this caller may use.",
    ),
    "CONSUMER_SUSPENDED": Row(
        403, REFUSED, "Google suspended the project that the key belongs to.",
        ("A breach of the terms, or abuse through a leaked key.", "Billing: unpaid, or its account was closed."),
        "The key's project is suspended: use a key of another project, or appeal in the console.",
    ),
    "CONSUMER_INVALID": Row(
        403, REFUSED, "Google does not know the project that the key belongs to, or no longer.",
        ("The project was deleted.", "The project that the configuration names is misspelt, or was never set."),
        "Use a key of another project; a deleted one can be restored for 30 days. Check GOOGLE_CLOUD_PROJECT.",
    ),
    "SECURITY_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "VPC Service Controls forbid this call from here.",
        ("The machine is outside the project's perimeter.", "The API is not among those that the perimeter lets in."),
        _ADMIN,
    ),
    "ACCESS_TOKEN_EXPIRED": Row(
        401, MISCONFIGURED, "An access token has expired. It is another credential than the API key.",
        (_OTHER_LOGIN, _BESIDE, "The machine's clock is wrong."), _LOGIN,
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Row(
        403, MISCONFIGURED, "An access token lacks a scope. It is another credential than the API key.",
        (_OTHER_LOGIN, "The virtual machine was started with narrow access scopes.", _BESIDE),
        "Log in with the scope that the API wants, or use an API key and send no Authorization header beside it.",
    ),
    "ACCOUNT_STATE_INVALID": Row(
        401, REFUSED, "The account behind the credential is disabled or deleted.",
        ("The service account that an AQ. key is bound to was disabled or deleted.",
         "A login of Google Cloud whose account was disabled."),
        "Use a key of another service account, or enable that account again.",
    ),
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": Row(
        401, REFUSED,
        "Google takes the key for an access token, and for an invalid one: so are AQ. keys answered that are no good.",
        ("An AQ. key that was cut off when it was copied.",
         "An AQ. key that was deleted, or whose service account is gone.",
         "A good key sent as 'Authorization: Bearer' to a native path, or to another API than the Gemini API."),
        "The key is invalid or truncated, or it was sent as Bearer: send it in the header x-goog-api-key.",
    ),
    "CREDENTIALS_MISSING": Row(
        401, MISCONFIGURED, "The key was sent to an API that takes no API keys.",
        ("The client is in Vertex AI mode: GOOGLE_GENAI_USE_VERTEXAI, vertexai=True.", "A wrong base URL.",
         "No credential was sent at all."),
        "This API takes no API keys: use the Gemini API's endpoint, or Google Cloud credentials.",
    ),
    "RESOURCE_PROJECT_INVALID": Row(
        400, MISCONFIGURED, "The project that the request names has no valid form.",
        ("GOOGLE_CLOUD_PROJECT is empty, or holds something else.",), "Correct the project in the request.",
    ),
    "SESSION_COOKIE_INVALID": Row(
        401, MISCONFIGURED, "A session cookie is missing or invalid. It is another credential than the API key.",
        ("The request carries a browser's cookies.", "A tool that acts as a web page sends it."),
        "Send the API key in the header x-goog-api-key, and no cookies.",
    ),
    "USER_BLOCKED_BY_ADMIN": Row(
        403, MISCONFIGURED, "A Google Workspace administrator blocks this service for the account.", (), _ADMIN,
    ),
    "RESOURCE_USAGE_RESTRICTION_VIOLATED": Row(
        403, MISCONFIGURED, "An organisation policy forbids this service in the project.", (), _ADMIN, proves=True,
    ),
    "SYSTEM_PARAMETER_UNSUPPORTED": Row(
        400, MISCONFIGURED, "The request has a query parameter or a header that Google does not take.",
        ("A header or a parameter that a proxy or the application adds.",), "Take it off.",
    ),
    "ORG_RESTRICTION_VIOLATION": Row(
        403, MISCONFIGURED, "The network allows only the projects of certain organisations, and this is none of them.",
        ("A company's proxy adds the header X-Goog-Allowed-Resources.",),
        "Use a key of the organisation's own project, or another network.",
    ),
    "ORG_RESTRICTION_HEADER_INVALID": Row(
        400, MISCONFIGURED, "The header X-Goog-Allowed-Resources, which a company's proxy adds, is badly written.", (),
        "Ask whoever runs the proxy.",
    ),
    "SERVICE_NOT_VISIBLE": Row(
        403, MISCONFIGURED, "The key's project may not see this API.",
        ("The API is open to selected projects only.", WRONG_PROJECT), "Use a key of a project that has it.",
        proves=True,
    ),
    "GCP_SUSPENDED": Row(
        403, REFUSED, "Google suspended the Google Cloud account that the key's project belongs to.",
        ("Billing: unpaid, or its account was closed.", "A breach of the terms, or abuse through a leaked key."),
        "Use a key of another account's project, or appeal in the console.",
    ),
    "LOCATION_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "A policy forbids this location.", (), "Use another location, or another project.",
    ),
    "MISSING_ORIGIN": Row(
        403, MISCONFIGURED, "The request has no header Origin, which this credential needs.",
        ("A credential made for a browser is used on a server.",), "Use an API key that is made for servers.",
    ),
    "OVERLOADED_CREDENTIALS": Row(
        401, MISCONFIGURED, "The request carries two kinds of credentials, each good, but not together.",
        (_BESIDE, "The client was given an API key and credentials, as files.register_files does."),
        "Send one of them: either x-goog-api-key or Authorization.",
    ),
    "LOCATION_ORG_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "An organisation policy forbids this location.", (), _ADMIN,
    ),
    "TLS_ORG_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "The organisation forbids the TLS version of this connection.",
        ("An old TLS library, or a proxy in between that speaks TLS 1.0 or 1.1.",), "Connect with TLS 1.2 or newer.",
    ),
    "EMULATOR_QUOTA_EXCEEDED": Row(
        429, NOT_THE_KEY, "The emulator's quota is used up.", (), "Wait, or raise the emulator's quota.", proves=True,
    ),
    "CREDENTIAL_ANDROID_APP_INVALID": Row(
        403, MISCONFIGURED, "The headers that name the calling Android app are invalid.",
        ("X-Android-Package or X-Android-Cert is wrong.",), "Send the app's own package name and certificate.",
    ),
    "IAM_PERMISSION_DENIED": Row(
        403, MISCONFIGURED, "The account behind the credential lacks a permission in Google Cloud.",
        ("The role that has it was not granted in this project.",
         "The project or the resource has another name, or does not exist."),
        "Grant the permission that the message names, and check the project's name.",
    ),
    "JWT_TOKEN_INVALID": Row(
        401, MISCONFIGURED, "A JWT is invalid. It is another credential than the API key.",
        (_OTHER_LOGIN, _BESIDE, "The machine's clock is wrong."), _LOGIN,
    ),
    "CREDENTIAL_TYPE_UNSUPPORTED": Row(
        401, MISCONFIGURED, "This API does not take this kind of credential.",
        ("The client is in Vertex AI mode, or has a wrong base URL.", _OTHER_LOGIN),
        "Send an API key to the Gemini API's endpoint, and Google Cloud credentials to Vertex AI.",
    ),
    "ACCOUNT_TYPE_UNSUPPORTED": Row(
        401, MISCONFIGURED, "This API does not take this kind of account.", (_OTHER_LOGIN,),
        "Use an API key, or an account that the API takes.",
    ),
    "ENDPOINT_USAGE_RESTRICTION_VIOLATED": Row(
        403, MISCONFIGURED, "An organisation policy forbids this endpoint.", (),
        "Use the regional endpoint that the organisation allows.",
    ),
    "TLS_CIPHER_RESTRICTION_VIOLATED": Row(
        403, MISCONFIGURED, "The organisation forbids the cipher of this connection.",
        ("An old TLS library, or a proxy in between.",), "Connect with a cipher that the organisation allows.",
    ),
    "MCP_SERVER_DISABLED": Row(
        403, MISCONFIGURED, "The key's project has this MCP server switched off.", (),
        "Enable it in the key's project.", proves=True,
    ),
}  # fmt: skip
