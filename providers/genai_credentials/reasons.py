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
_ADMIN = "Ask the administrator of the organisation, or use a project without this policy."
_LOGIN = "Renew the login. If you use an API key, send no Authorization header with it."
_BESIDE = "The application, a proxy or a gateway sends a second header with credentials."
_OTHER_LOGIN = "The application uses a Google Cloud login, not an API key."
BADLY_PASTED = "The key was badly pasted: cut off, joined with another key, or with quotes or a line break."
WRONG_PROJECT = "The key belongs to the wrong project."

REASONS: dict[str, Row] = {
    "ERROR_REASON_UNSPECIFIED": Row(
        None, UNKNOWN, "Google gave no reason.", (), "Read the message of the error.",
    ),
    "SERVICE_DISABLED": Row(
        403, MISCONFIGURED, "The key is genuine, but the API is disabled in its project.",
        (WRONG_PROJECT, "The API was never enabled in this project.",
         "The API was enabled a few minutes ago, and some servers do not have this change yet."),
        "Enable the Generative Language API, or the API that was called, in this project. Then wait a few minutes.",
        proves=True,
    ),
    "BILLING_DISABLED": Row(
        403, MISCONFIGURED, "The key is genuine, but its project has no open billing account.",
        ("The project was never linked to a billing account.", "The account was closed, or a payment failed.",
         WRONG_PROJECT),
        "Link the project to an open billing account. Then wait a few minutes.", proves=True,
    ),
    "API_KEY_INVALID": Row(
        400, REFUSED, "Google has no such key, or it has expired.",
        ("The key was deleted or rotated, and this process or its store still has the old key.", "The key has expired.",
         BADLY_PASTED, "The key is for another service, such as Maps, a gateway or OpenAI."),
        "The key is wrong, deleted or expired. Create a key in Google AI Studio and store it.",
    ),
    "API_KEY_SERVICE_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine, but its API restrictions do not allow this API.",
        ("The key belongs to the wrong project, or was made for another API, such as Maps.",
         "The key is from Google AI Studio, and was sent to Vertex AI.", "The restrictions were changed."),
        f"Add the Generative Language API to the key's API restrictions ({_CONSOLE}).", proves=True,
    ),
    "API_KEY_HTTP_REFERRER_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine, but its restrictions allow only certain web pages.",
        ("The key was made for a browser, and is used on a server. A server sends no referrer.",
         "The address of the page is missing from the list."),
        f"The referrer restriction of the key refuses this caller ({_CONSOLE}). On a server, use a key without it.",
        proves=True,
    ),
    "API_KEY_IP_ADDRESS_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine, but its restrictions do not allow the address of this machine.",
        ("The machine, its NAT or its proxy has a new address.",
         "The request came over IPv6, and the list has only IPv4 addresses."),
        f"Add the address of this machine to the IP restriction of the key ({_CONSOLE}).", proves=True,
    ),
    "API_KEY_ANDROID_APP_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine, but its restrictions allow only certain Android apps.",
        ("The key was made for an app, and is used elsewhere.",
         "The package name or the certificate of the app is missing from the list."),
        f"Use a key without this restriction, or add the app to the list ({_CONSOLE}).", proves=True,
    ),
    "API_KEY_IOS_APP_BLOCKED": Row(
        403, MISCONFIGURED, "The key is genuine, but its restrictions allow only certain iOS apps.",
        ("The key was made for an app, and is used elsewhere.", "The bundle id of the app is missing from the list."),
        f"Use a key without this restriction, or add the app to the list ({_CONSOLE}).", proves=True,
    ),
    "RATE_LIMIT_EXCEEDED": Row(
        429, NOT_THE_KEY, "The requests are too fast. The key was accepted.",
        ("The limit of the project per minute or per day is reached.",
         "Many processes share the quota of the project."),
        "Wait as long as the answer says, or raise the quota. Another key of the same project does not help.",
        proves=True,
    ),
    "RESOURCE_QUOTA_EXCEEDED": Row(
        429, NOT_THE_KEY, "The project has as many resources as its quota allows. The key was accepted.",
        ("Old files, caches or tuned models were not deleted.",),
        "Delete resources, or raise the quota. Another key of the same project does not help.", proves=True,
    ),
    "LOCATION_TAX_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "The tax rules for the billing account's address forbid this location.", (),
        "Use another location, or a project with another billing account.", proves=True,
    ),
    "USER_PROJECT_DENIED": Row(
        403, MISCONFIGURED, "The quota project of the request does not exist, or this caller may not use it.",
        ("The application, gcloud or a proxy adds a header x-goog-user-project.",
         "The application default credentials name a quota project."),
        "Remove the header x-goog-user-project, or name a project that this caller may use.",
    ),
    "CONSUMER_SUSPENDED": Row(
        403, REFUSED, "Google has suspended the project of the key.",
        ("The project broke Google's terms, or somebody abused a leaked key.",
         "A bill was not paid, or the billing account was closed."),
        "Use a key of another project, or appeal in the Google Cloud console.",
    ),
    "CONSUMER_INVALID": Row(
        403, REFUSED, "The project of the key does not exist, or was deleted.",
        ("The project was deleted.", "The project in the configuration is misspelt or not set."),
        "Use a key of another project. A deleted project can be restored for 30 days. Check GOOGLE_CLOUD_PROJECT.",
    ),
    "SECURITY_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "VPC Service Controls forbid this call from here.",
        ("The machine is outside the perimeter of the project.", "The perimeter does not allow this API."),
        _ADMIN,
    ),
    "ACCESS_TOKEN_EXPIRED": Row(
        401, MISCONFIGURED, "An access token has expired. It is not the API key.",
        (_OTHER_LOGIN, _BESIDE, "The clock of the machine is wrong."), _LOGIN,
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Row(
        403, MISCONFIGURED, "An access token lacks a scope. It is not the API key.",
        (_OTHER_LOGIN, "The virtual machine was started with too few access scopes.", _BESIDE),
        "Log in with the scope that the API needs, or use an API key without an Authorization header.",
    ),
    "ACCOUNT_STATE_INVALID": Row(
        401, REFUSED, "The account behind the credential is disabled or deleted.",
        ("The service account of an AQ. key was disabled or deleted.",
         "The account of a Google Cloud login was disabled."),
        "Use a key of another service account, or enable the account again.",
    ),
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": Row(
        401, REFUSED,
        "Google reads the key as an invalid access token. It gives this answer for an invalid AQ. key.",
        ("The AQ. key was cut off when it was copied.",
         "The AQ. key was deleted, or its service account was deleted.",
         "A good key was sent as 'Authorization: Bearer' to a native path, or to another API than the Gemini API."),
        "The key is invalid or cut off, or it was sent as Bearer. Send it in the header x-goog-api-key.",
    ),
    "CREDENTIALS_MISSING": Row(
        401, MISCONFIGURED, "The key was sent to an API that does not accept API keys.",
        ("The client is in Vertex AI mode: GOOGLE_GENAI_USE_VERTEXAI, vertexai=True.", "The base URL is wrong.",
         "The request carried no credential."),
        "This API does not accept API keys. Use the endpoint of the Gemini API, or Google Cloud credentials.",
    ),
    "RESOURCE_PROJECT_INVALID": Row(
        400, MISCONFIGURED, "The name of the project in the request is not valid.",
        ("GOOGLE_CLOUD_PROJECT is empty, or is not the id of a project.",), "Correct the project in the request.",
    ),
    "SESSION_COOKIE_INVALID": Row(
        401, MISCONFIGURED, "A session cookie is missing or invalid. It is not the API key.",
        ("The request carries the cookies of a browser.", "A tool that acts as a web page sends the request."),
        "Send the API key in the header x-goog-api-key, without cookies.",
    ),
    "USER_BLOCKED_BY_ADMIN": Row(
        403, MISCONFIGURED, "A Google Workspace administrator has blocked this service for the account.", (), _ADMIN,
    ),
    "RESOURCE_USAGE_RESTRICTION_VIOLATED": Row(
        403, MISCONFIGURED, "An organisation policy forbids this service in the project.", (), _ADMIN, proves=True,
    ),
    "SYSTEM_PARAMETER_UNSUPPORTED": Row(
        400, MISCONFIGURED, "The request has a query parameter or a header that Google does not accept.",
        ("A proxy or the application adds a header or a parameter.",), "Remove this header or parameter.",
    ),
    "ORG_RESTRICTION_VIOLATION": Row(
        403, MISCONFIGURED, "The network allows only projects of certain organisations, not the key's.",
        ("The proxy of a company adds the header X-Goog-Allowed-Resources.",),
        "Use a key of a project of the organisation, or another network.",
    ),
    "ORG_RESTRICTION_HEADER_INVALID": Row(
        400, MISCONFIGURED, "The header X-Goog-Allowed-Resources is not valid. The proxy of a company adds it.", (),
        "Ask the administrator of the proxy.",
    ),
    "SERVICE_NOT_VISIBLE": Row(
        403, MISCONFIGURED, "The project of the key may not use this API.",
        ("The API is available to selected projects only.", WRONG_PROJECT), "Use a key of a project that has this API.",
        proves=True,
    ),
    "GCP_SUSPENDED": Row(
        403, REFUSED, "Google has suspended the Google Cloud account of the key's project.",
        ("A bill was not paid, or the billing account was closed.",
         "The account broke Google's terms, or somebody abused a leaked key."),
        "Use a key of a project of another account, or appeal in the Google Cloud console.",
    ),
    "LOCATION_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "A policy forbids this location.", (), "Use another location, or another project.",
    ),
    "MISSING_ORIGIN": Row(
        403, MISCONFIGURED, "The credential needs the header Origin, and the request does not have it.",
        ("The credential was made for a browser, and is used on a server.",), "Use an API key for servers.",
    ),
    "OVERLOADED_CREDENTIALS": Row(
        401, MISCONFIGURED, "The request carries two credentials, and the API accepts only one.",
        (_BESIDE, "The client has an API key and other credentials, as in files.register_files."),
        "Send only one of the headers x-goog-api-key and Authorization.",
    ),
    "LOCATION_ORG_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "An organisation policy forbids this location.", (), _ADMIN,
    ),
    "TLS_ORG_POLICY_VIOLATED": Row(
        403, MISCONFIGURED, "The organisation forbids the TLS version of this connection.",
        ("The TLS library is old, or a proxy uses TLS 1.0 or 1.1.",), "Connect with TLS 1.2 or newer.",
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
        ("The role with this permission was not granted in this project.",
         "The project or the resource has another name, or does not exist."),
        "Grant the permission in the message, and check the name of the project.",
    ),
    "JWT_TOKEN_INVALID": Row(
        401, MISCONFIGURED, "A JWT is invalid. It is not the API key.",
        (_OTHER_LOGIN, _BESIDE, "The clock of the machine is wrong."), _LOGIN,
    ),
    "CREDENTIAL_TYPE_UNSUPPORTED": Row(
        401, MISCONFIGURED, "This API does not accept this kind of credential.",
        ("The client is in Vertex AI mode, or has a wrong base URL.", _OTHER_LOGIN),
        "Send an API key to the endpoint of the Gemini API, and Google Cloud credentials to Vertex AI.",
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
        ("The TLS library is old, or a proxy changes the connection.",),
        "Connect with a cipher that the organisation allows.",
    ),
    "MCP_SERVER_DISABLED": Row(
        403, MISCONFIGURED, "This MCP server is disabled in the project of the key.", (),
        "Enable the MCP server in the project of the key.", proves=True,
    ),
}  # fmt: skip
