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
_ADMIN = "Ask the organisation's administrator, or use a project to which the policy does not apply."
_LOGIN = "Renew that login. With an API key, send no Authorization header."
_BESIDE = "The application, a proxy or a gateway adds another credential in a header."
_OTHER_LOGIN = "The application uses Google Cloud credentials in place of an API key."
BADLY_PASTED = "It was badly pasted: cut off, two keys in one, quotes or a line break around it."
WRONG_PROJECT = "It is a key of the wrong project."

REASONS: dict[str, Row] = {
    "ERROR_REASON_UNSPECIFIED": Row(
        None, UNKNOWN, "Google gave no reason.", (), "Read the message of the error: it names the problem.",
    ),
    "SERVICE_DISABLED": Row(
        403, MISCONFIGURED, "The key is genuine, but the API that was called is disabled in its project.",
        (WRONG_PROJECT, "The API was never enabled in that project.",
         "The API was enabled a few minutes ago and is not active on all servers yet."),
        "Enable the Generative Language API, or the other API that was called, in that project. Wait a few minutes.",
        proves=True,
    ),
    "BILLING_DISABLED": Row(
        403, MISCONFIGURED, "The key is genuine, but its project has no billing account, or a closed one.",
        ("The project was never linked to a billing account.", "The account was closed, or a payment failed.",
         WRONG_PROJECT),
        "Link the project to an open billing account, then wait a few minutes.", proves=True,
    ),
    "API_KEY_INVALID": Row(
        400, REFUSED, "For Google, this key does not exist, or no longer exists.",
        ("It was deleted or rotated, and this process or this store still has the old key.", "It has expired.",
         BADLY_PASTED, "It is a key of another service, such as Maps, a gateway or OpenAI."),
        "The key is wrong, deleted or expired: create one in Google AI Studio and store it.",
    ),
    "API_KEY_SERVICE_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine, but its API restrictions do not allow this API.",
        ("It is a key of the wrong project, or a key for another API such as Maps.",
         "A key of Google AI Studio was sent to Vertex AI.", "The restrictions were changed."),
        f"Add the Generative Language API to the key's API restrictions ({_CONSOLE}).", proves=True,
    ),
    "API_KEY_HTTP_REFERRER_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine, but restricted to certain web pages. This caller is not one of them.",
        ("A key for browsers is used on a server, and servers send no referrer.",
         "The address of the page is missing from the list."),
        f"Change the key's referrer restriction ({_CONSOLE}). On a server, use a key without this restriction.",
        proves=True,
    ),
    "API_KEY_IP_ADDRESS_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine, but restricted to certain IP addresses. This one is not allowed.",
        ("The machine, or its NAT or proxy, has a new address.",
         "The request came over IPv6, and only IPv4 addresses are listed."),
        f"Add this machine's address to the key's IP restriction ({_CONSOLE}).", proves=True,
    ),
    "API_KEY_ANDROID_APP_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine, but restricted to certain Android apps. This caller is not allowed.",
        ("A key for an app is used elsewhere.", "The app's package name or certificate is missing from the list."),
        f"Use another key, or change this key's restriction to Android apps ({_CONSOLE}).", proves=True,
    ),
    "API_KEY_IOS_APP_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine, but restricted to certain iOS apps. This caller is not allowed.",
        ("A key for an app is used elsewhere.", "The app's bundle id is missing from the list."),
        f"Use another key, or change this key's restriction to iOS apps ({_CONSOLE}).", proves=True,
    ),
    "RATE_LIMIT_EXCEEDED": Row(
        429, NOT_THE_KEY, "There are too many requests; the key itself was accepted.",
        ("The project's limit per minute or per day is reached.", "Many processes share the project's quota."),
        "Wait as long as the answer says, or raise the quota. Another key of the same project does not help.",
        proves=True,
    ),
    "RESOURCE_QUOTA_EXCEEDED": Row(
        429, NOT_THE_KEY, "The project has reached its limit of resources; the key itself was accepted.",
        ("Old files, caches or tuned models were not deleted.",),
        "Delete old resources, or raise the quota. Another key of the same project does not help.", proves=True,
    ),
    "LOCATION_TAX_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "The tax rules for the billing account's address forbid this location.", (),
        "Use another location, or a project with another billing account.", proves=True,
    ),
    "USER_PROJECT_DENIED": Row(
        403, MISCONFIGURED, "The quota project in the request does not exist, or this caller may not use it.",
        ("The application, gcloud or a proxy adds a header x-goog-user-project.",
         "The application default credentials have a quota project."),
        "Remove the header x-goog-user-project, or name a project that this caller may use.",
    ),
    "CONSUMER_SUSPENDED": Row(
        403, REFUSED, "Google suspended the project that the key belongs to.",
        ("A breach of the terms, or abuse through a leaked key.", "A bill is unpaid, or the account was closed."),
        "The key's project is suspended: use a key of another project, or appeal in the console.",
    ),
    "CONSUMER_INVALID": Row(
        403, REFUSED, "The project that the key belongs to does not exist, or no longer exists.",
        ("The project was deleted.", "The project in the configuration is misspelt or missing."),
        "Use a key of another project, or restore a project within 30 days. Check GOOGLE_CLOUD_PROJECT.",
    ),
    "SECURITY_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "VPC Service Controls forbid this call from here.",
        ("The machine is outside the project's perimeter.", "The perimeter does not allow this API."),
        _ADMIN,
    ),
    "ACCESS_TOKEN_EXPIRED": Row(
        401, MISCONFIGURED, "An access token has expired. That token is not the API key.",
        (_OTHER_LOGIN, _BESIDE, "The machine's clock is wrong."), _LOGIN,
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Row(
        403, MISCONFIGURED, "An access token lacks a scope. That token is not the API key.",
        (_OTHER_LOGIN, "The virtual machine was started with too few access scopes.", _BESIDE),
        "Log in with the scope that the API needs, or use an API key and send no Authorization header.",
    ),
    "ACCOUNT_STATE_INVALID": Row(
        401, REFUSED, "The account behind the credential is disabled or deleted.",
        ("The service account of an AQ. key was disabled or deleted.",
         "The account of a Google Cloud login was disabled."),
        "Use a key of another service account, or enable that account again.",
    ),
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": Row(
        401, REFUSED,
        "Google reads the key as an invalid access token. An AQ. key that is not valid gets this answer.",
        ("An AQ. key was cut off when it was copied.",
         "An AQ. key or its service account was deleted.",
         "A valid key was sent as 'Authorization: Bearer' to a native path, or to another API than the Gemini API."),
        "The key is invalid or truncated, or it was sent as Bearer: send it in the header x-goog-api-key.",
    ),
    "CREDENTIALS_MISSING": Row(
        401, MISCONFIGURED, "The key was sent to an API that accepts no API keys.",
        ("The client is in Vertex AI mode: GOOGLE_GENAI_USE_VERTEXAI, vertexai=True.", "The base URL is wrong.",
         "No credential was sent at all."),
        "This API accepts no API keys: use the Gemini API's endpoint, or Google Cloud credentials.",
    ),
    "RESOURCE_PROJECT_INVALID": Row(
        400, MISCONFIGURED, "The name of the project in the request is invalid.",
        ("GOOGLE_CLOUD_PROJECT is empty, or is not a project.",), "Correct the project in the request.",
    ),
    "SESSION_COOKIE_INVALID": Row(
        401, MISCONFIGURED, "A session cookie is missing or invalid. That cookie is not the API key.",
        ("The request carries the cookies of a browser.", "A tool that acts like a web page sends the request."),
        "Send the API key in the header x-goog-api-key, and no cookies.",
    ),
    "USER_BLOCKED_BY_ADMIN": Row(
        403, MISCONFIGURED, "A Google Workspace administrator blocks this service for the account.", (), _ADMIN,
    ),
    "RESOURCE_USAGE_RESTRICTION_VIOLATED": Row(
        403, MISCONFIGURED, "An organisation policy forbids this service in the project.", (), _ADMIN, proves=True,
    ),
    "SYSTEM_PARAMETER_UNSUPPORTED": Row(
        400, MISCONFIGURED, "The request has a query parameter or a header that Google does not accept.",
        ("A proxy or the application adds a header or a parameter.",), "Remove that header or parameter.",
    ),
    "ORG_RESTRICTION_VIOLATION": Row(
        403, MISCONFIGURED, "The network allows only projects of certain organisations. This project is not allowed.",
        ("A company's proxy adds the header X-Goog-Allowed-Resources.",),
        "Use a key of the organisation's own project, or another network.",
    ),
    "ORG_RESTRICTION_HEADER_INVALID": Row(
        400, MISCONFIGURED, "The header X-Goog-Allowed-Resources, which a company's proxy adds, is invalid.", (),
        "Ask the administrator of the proxy.",
    ),
    "SERVICE_NOT_VISIBLE": Row(
        403, MISCONFIGURED, "The key's project has no access to this API.",
        ("The API is open to selected projects only.", WRONG_PROJECT), "Use a key of a project that has access.",
        proves=True,
    ),
    "GCP_SUSPENDED": Row(
        403, REFUSED, "Google suspended the Google Cloud account that the key's project belongs to.",
        ("A bill is unpaid, or the account was closed.", "A breach of the terms, or abuse through a leaked key."),
        "Use a key of another account's project, or appeal in the console.",
    ),
    "LOCATION_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "A policy forbids this location.", (), "Use another location, or another project.",
    ),
    "MISSING_ORIGIN": Row(
        403, MISCONFIGURED, "The request has no header Origin, which this credential needs.",
        ("A credential for browsers is used on a server.",), "Use an API key for servers.",
    ),
    "OVERLOADED_CREDENTIALS": Row(
        401, MISCONFIGURED, "The request carries two kinds of credentials. Google accepts only one of them at a time.",
        (_BESIDE, "The client has an API key and credentials, as for files.register_files."),
        "Send one of them: either x-goog-api-key or Authorization.",
    ),
    "LOCATION_ORG_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "An organisation policy forbids this location.", (), _ADMIN,
    ),
    "TLS_ORG_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "The organisation forbids the TLS version of this connection.",
        ("An old TLS library, or a proxy in between that uses TLS 1.0 or 1.1.",), "Connect with TLS 1.2 or newer.",
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
        ("The role with this permission was not granted in the project.",
         "The project or the resource has another name, or does not exist."),
        "Grant the permission that the message names, and check the project's name.",
    ),
    "JWT_TOKEN_INVALID": Row(
        401, MISCONFIGURED, "A JWT is invalid. That token is not the API key.",
        (_OTHER_LOGIN, _BESIDE, "The machine's clock is wrong."), _LOGIN,
    ),
    "CREDENTIAL_TYPE_UNSUPPORTED": Row(
        401, MISCONFIGURED, "This API does not accept this kind of credential.",
        ("The client is in Vertex AI mode, or has a wrong base URL.", _OTHER_LOGIN),
        "Send an API key to the Gemini API's endpoint, and Google Cloud credentials to Vertex AI.",
    ),
    "ACCOUNT_TYPE_UNSUPPORTED": Row(
        401, MISCONFIGURED, "This API does not accept this kind of account.", (_OTHER_LOGIN,),
        "Use an API key, or an account that the API accepts.",
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
        403, MISCONFIGURED, "This MCP server is disabled in the key's project.", (),
        "Enable it in the key's project.", proves=True,
    ),
}  # fmt: skip
