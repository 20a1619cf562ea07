"""Words of `genai-credentials proxy`: its reasons and its messages."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import OURS, phrases

PHRASES = phrases(
    ("proxy_token_required", r"\bproxy_token_required\b", "proxy_token"),
    ("this is the proxy of genai-credentials", "", "proxy_token"),
    ("host_refused", r"\bhost_refused\b", "proxy_host"),
    ("a request needs one host header", "", "proxy_host"),
    ("origin_refused", r"\borigin_refused\b", "proxy_origin"),
    ("this proxy serves no web pages", "", "proxy_origin"),
    ("the proxy has no key", "", "no_key"),
    ("upstream_failed", r"\bupstream_failed\b", "proxy_upstream"),
    ("the proxy got no answer from the api", "", "proxy_upstream"),
    ("upstream_timeout", r"\bupstream_timeout\b", "proxy_upstream"),
    ("the proxy could not connect to the api", "", "proxy_upstream"),
    ("broken_upload", r"\bbroken_upload\b", "proxy_request"),
    ("the body of the request broke off", "", "proxy_request"),
    ("the length of the body is given twice", "", "proxy_request"),
    ("this is not an http/1.1 request", "", "proxy_request"),
    ("proxy_fault", r"\bproxy_fault\b", "proxy_fault"),
    weight=OURS,
)
