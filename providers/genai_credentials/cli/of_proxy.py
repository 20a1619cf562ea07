"""The causes that `genai-credentials proxy` names itself. A table and nothing else."""

from __future__ import annotations

from genai_credentials.cli.meaning import CHECK, STATUS, Meaning

_HEALTH = ('curl -H "x-goog-api-key: $GEMINI_API_KEY" "$GOOGLE_GEMINI_BASE_URL/healthz"', "does the proxy take it?")

NO_KEY = "NO_CREDENTIALS"
"""The reason that the proxy gives where its chain has no key."""

OF_PROXY = {
    "proxy_token": Meaning(
        "refused", "proxy_token", "The proxy of genai-credentials refused what was sent: it takes its own token alone.",
        ("The tool sends an API key, or nothing, where the token belongs.",
         "The proxy was started anew, and without --token-file it then has a new token.",
         "The tool sends two: the token, and a key in another header or in the URL."),
        "Give the tool the text of the proxy's token file as its key, and unset GOOGLE_API_KEY.", (_HEALTH,),
    ),
    "proxy_host": Meaning(
        "misconfigured", "proxy_host",
        "The proxy of genai-credentials was asked under a name that is not this machine's.",
        ("The base URL names another host than 127.0.0.1, localhost or [::1].",
         "A proxy in between, or a container, changes the header Host."),
        "Write http://127.0.0.1 and the proxy's port into the base URL; in a pod, run the proxy as a sidecar.", (),
    ),
    "proxy_origin": Meaning(
        "misconfigured", "proxy_origin",
        "A web page asked the proxy of genai-credentials, which serves programs alone.",
        ("JavaScript in a browser sends the request, and with it an Origin.",),
        "Send the request from a program on this machine: a page could spend the quota of whoever visits it.", (),
    ),
    "proxy_upstream": Meaning(
        "not_the_key", "proxy_upstream", "The proxy of genai-credentials could not reach the API.",
        ("The API, or the gateway that --upstream names, is down or not reachable from here.",
         "HTTPS_PROXY or a firewall stands in the way.", "A certificate that this machine does not trust."),
        "Ask the same address from the proxy's machine, with the proxy's environment.", (CHECK,),
    ),
    "proxy_request": Meaning(
        "not_the_key", "proxy_request",
        "The proxy of genai-credentials refused a request whose body it cannot be sure of.",
        ("The tool broke the request off.", "The length of the body was given twice, or in an unclear way."),
        "Send the request again; if it stays, the tool's HTTP client is at fault.", (),
    ),
    "proxy_fault": Meaning(
        "unknown", "proxy_fault", "The proxy of genai-credentials failed: that is a fault of its own.",
        remedy="Report it, with the name of the error that the message holds.", run=(STATUS,),
    ),
}  # fmt: skip
