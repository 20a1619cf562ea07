"""The causes that `genai-credentials proxy` names in its own errors. This module holds only a table."""

from __future__ import annotations

from genai_credentials.cli.meaning import CHECK, STATUS, Meaning

_HEALTH = (
    'curl -H "x-goog-api-key: $GEMINI_API_KEY" "$GOOGLE_GEMINI_BASE_URL/healthz"',
    "ask the proxy whether it accepts the token",
)

NO_KEY = "NO_CREDENTIALS"
"""The reason in the proxy's error when its chain has no key."""

OF_PROXY = {
    "proxy_token": Meaning(
        "refused", "proxy_token", "The proxy of genai-credentials refused the request: it accepts only its own token.",
        ("The tool sends an API key or nothing, not the token.",
         "The proxy was started again. Without --token-file, each start makes a new token.",
         "The tool sends the token, and also a key in another header or in the URL."),
        "In the tool, use the text of the proxy's token file as key, and unset GOOGLE_API_KEY.", (_HEALTH,),
    ),
    "proxy_host": Meaning(
        "misconfigured", "proxy_host",
        "The request to the proxy of genai-credentials has another host than this machine.",
        ("The base URL names another host than 127.0.0.1, localhost or [::1].",
         "Another proxy or a container changes the header Host."),
        "Use http://127.0.0.1 and the port of the proxy as base URL. In a pod, run the proxy as a sidecar.", (),
    ),
    "proxy_origin": Meaning(
        "misconfigured", "proxy_origin",
        "A web page sent a request to the proxy of genai-credentials. The proxy serves only programs.",
        ("JavaScript in a browser sends the request, with the header Origin.",),
        "Send the request from a program on this machine. A web page could use up the quota of its visitors.", (),
    ),
    "proxy_upstream": Meaning(
        "not_the_key", "proxy_upstream", "The proxy of genai-credentials could not reach the API.",
        ("The API, or the gateway in --upstream, is down or not reachable from this machine.",
         "HTTPS_PROXY is wrong, or a firewall blocks the connection.", "This machine does not trust the certificate."),
        "Send a request to the same URL from the machine of the proxy, with the environment of the proxy.", (CHECK,),
    ),
    "proxy_request": Meaning(
        "not_the_key", "proxy_request",
        "The proxy of genai-credentials refused the request, because the length of its body is not clear.",
        ("The tool broke off the request.", "The request gives the length of its body twice, or in an unclear form."),
        "Send the request again. If the error stays, the HTTP client of the tool is the cause.", (),
    ),
    "proxy_fault": Meaning(
        "unknown", "proxy_fault", "The proxy of genai-credentials failed because of a bug in the proxy.",
        remedy="Report the bug, with the name of the error in the message.", run=(STATUS,),
    ),
}  # fmt: skip
