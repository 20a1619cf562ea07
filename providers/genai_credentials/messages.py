"""Tables of Google's messages about a key that have no reason: the words, and their meaning."""

from __future__ import annotations

import re

from genai_credentials.reasons import (
    BADLY_PASTED,
    MISCONFIGURED,
    NO_KEY,
    REASONS,
    REFUSED,
    UNKNOWN,
    WRONG_PROJECT,
    Row,
)

NO_KEY_SENT = "No key was sent, because the variable of the process is unset or empty."
WRONG_GATEWAY = "The wrong gateway was asked: the key belongs to another gateway, or is a Google key."
UNSET = "The variable of the process is unset or empty, or another link of the chain serves than expected."

UNREASONED: dict[str, Row] = {
    "leaked": Row(
        403, REFUSED, "Google found this key in public and blocked it permanently.",
        ("The key is in a public repository, a notebook, an app or a web page.",
         "The key was printed into a log or an error message that others can read."),
        "Create another key, and keep it out of code and logs. Google blocked this key because it was published.",
    ),
    "project_denied": Row(
        403, REFUSED, "Google does not let the project of the key use the API any more.",
        ("The project broke Google's terms, or somebody abused a leaked key.",
         "An automatic check of Google was wrong."),
        "Use a key of another project. Ask Google's support about this project.",
    ),
    "unauthenticated": Row(
        401, REFUSED, "Google does not accept the credentials of the request.",
        (UNSET, "The key was deleted or disabled, or it has expired.",
         "The key is a standard AIza key without restrictions. Google refuses such keys since June 2026.", BADLY_PASTED,
         "The key was sent in another header than x-goog-api-key.",
         "The client uses a Google Cloud login, and the login has expired."),
        "The key is unset, wrong, expired or disabled. Compare its fingerprint with the key in the store.",
    ),
    "gateway": Row(
        401, REFUSED, "A gateway's own token check refused the key. Google did not receive the request.",
        (NO_KEY_SENT, "The token has expired, was disabled or deleted, or has used up its quota.",
         "The token was badly pasted: cut off, or with quotes, a line break or 'Bearer '.", WRONG_GATEWAY),
        "Renew the token in the console of the gateway and store it, or correct the base URL.",
    ),
    "app_check": Row(
        401, MISCONFIGURED, "Firebase App Check refused the app. The API did not judge the key.",
        ("The app sends no App Check token: it has no App Check provider, or a server sent the request.",
         "The debug token of this device or simulator is not in the list of the Firebase console.",
         "App Check could not verify the app: it runs in an emulator, or has another signing key, bundle or package."),
        "Register the app and its debug tokens under App Check in the Firebase console, or switch off the enforcement.",
    ),
    "unregistered callers": Row(
        403, NO_KEY, "The request carried no key.",
        ("The variable of the process is unset or empty.",
         "The request was redirected or sent to another origin than the base URL. The key is not sent there.",
         "A proxy or a gateway drops the header x-goog-api-key."),
        "Check whether the request went to another origin than the base URL of the client. The key is not sent there.",
    ),
    "PERMISSION_DENIED": Row(
        403, MISCONFIGURED, "The request was denied, and the answer does not mention the key.",
        ("The model, file or cache belongs to another project than the key.",
         "The model is not available to this project, this account or this region.", WRONG_PROJECT,
         "The answer is from a gateway: the token may not use this model, or its user or address is blocked."),
        "Check the model, the owner of the file and the region. Try a key of another project: if it works, the project "
        "is the cause.",
    ),
    "forbidden": Row(
        403, UNKNOWN, "The request was denied, but not in the words of the API. Perhaps another server answered.",
        ("A firewall, a proxy or a gateway between this machine and the API answered.",
         "The base URL is not a URL of the API.",
         "A gateway answered: the token may not do this, or its user or address is blocked."),
        "Find out which server answered: look at the body and at the header Server. The API answers in JSON, with a "
        "status.",
    ),
}  # fmt: skip

ROWS: dict[str, Row] = {**REASONS, **UNREASONED}
"""Cause -> its row, for every cause in an answer of the API or of a gateway in front of the API."""

# Only punctuation may come before these words, and no quotation mark: in quotes they are text of a user.
NOT_VALID = re.compile(r"(?i)[^\w\"'`]*api[ _]key (?:is )?(?:not valid|not found|invalid|expired)")
"""The beginning of a message with status 400 that says that the key is refused."""

SAID = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (r"reported as leaked", "leaked"),
        (r"project has been denied access", "project_denied"),
        (r"\b(?:consumer|project|account)\b[^.\n]{0,160} (?:has been|is|was) suspended", "CONSUMER_SUSPENDED"),
        (r"\bapp check token\b", "app_check"),
        (r"api keys are not supported by this api", "CREDENTIALS_MISSING"),
        (r"(?:multiple|used with other) authentication credentials", "OVERLOADED_CREDENTIALS"),
        (r"unregistered callers|callers without established identity", "unregistered callers"),
        (r"requests from referr?er \S{1,2000} are blocked", "API_KEY_HTTP_REFERRER_BLOCKED"),
        (r"has an ip address restriction", "API_KEY_IP_ADDRESS_BLOCKED"),
        (r"requests from this android client application", "API_KEY_ANDROID_APP_BLOCKED"),
        (r"requests from this ios client application", "API_KEY_IOS_APP_BLOCKED"),
        (r"requests to this api [^\n]{1,300}?\bare blocked", "API_KEY_SERVICE_BLOCKED"),
        (r"api has not been used in project|api is disabled in project", "SERVICE_DISABLED"),
        (r"requires billing to be enabled|billing account .{0,80}(?:disabled|not active|closed)", "BILLING_DISABLED"),
        (r"insufficient authentication scopes", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        (r"does not have required permission to use project", "USER_PROJECT_DENIED"),
        (r"prohibited by organization'?s policy", "SECURITY_POLICY_VIOLATED"),
        (r"\bpermission '?[a-z]\w*\.\w+\.\w+'? (?:was )?denied", "IAM_PERMISSION_DENIED"),
        (r"caller does not have permission", "PERMISSION_DENIED"),
    )
)
"""Pairs of a pattern and a cause. Case does not matter. The first pattern found in a message decides."""


def said(message: str) -> str:
    """Return the cause that a message of Google names; empty if it names none."""
    return next((cause for pattern, cause in SAID if pattern.search(message)), "")
