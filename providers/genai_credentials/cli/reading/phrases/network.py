"""What is said where no answer came, or Python lacks a package."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import CODE, phrases

PHRASES = phrases(
    (("certificate", "pkix", "self_signed_cert"),
     r"certificate[ _]verify[ _]failed|self[- ]signed certificate"
     r"|unable to get (?:local )?issuer certificate|unable to verify the first certificate"
     r"|certificate has expired|certificate signed by unknown authority|pkix path building failed"
     r"|depth_zero_self_signed_cert|ssl certificate problem", "tls"),
    (("ssl", "wrong_version_number"),
     r"\bssl(?:cert\w{0,20})?error|\bssl(?:handshake)?exception|sslv3_alert|wrong_version_number"
     r"|ssl_error_syscall", "tls"),
    ("tls", r"tls handshake|tlsv1_alert", "tls"),
    ("name",
     r"name or service not known|nodename nor servname|temporary failure in name resolution"
     r"|name resolution", "dns"),
    ("getaddrinfo", "", "dns"),
    ("no such host", "", "dns"),
    ("unknownhostexception", "", "dns"),
    ("could not resolve host", "", "dns"),
    ("nameresolutionerror", "", "dns"),
    (("proxy", "tunnel connection failed"),
     r"\bproxyerror|407 proxy|tunnel connection failed|proxy authentication required"
     r"|proxy connect aborted", "proxy"),
    ("refused", r"connection (?:was )?refused|econnrefused|actively refused", "connection"),
    (("reset", "socket hang up"), r"connection (?:was )?reset|econnreset|socket hang up", "connection"),
    ("econn", r"\beconn\w{1,20}", "connection"),
    (("unreach",), r"enetunreach|ehostunreach|(?:network|host) (?:is )?unreachable", "connection"),
    ("disconnected", r"server disconnected", "connection"),
    ("remoteprotocolerror", "", "connection"),
    ("remote end closed", "", "connection"),
    (("connectionerror", "connecterror"), r"\b(?:api)?connectionerror|\bconnecterror", "connection"),
    ("failed to connect", "", "connection"),
    ("readerror", r"\breaderror\b", "connection"),
    ("writeerror", r"\bwriteerror\b", "connection"),
    ("errno 1", r"errno 1[01]\d", "connection"),
    ("fetch failed", r"(?:^|\n|: ?|exception )fetch failed\b", "connection"),
    ("load failed", r": load failed\b", "connection"),
    ("socketexception", r"\bsocketexception\b", "connection"),
    ("request to http", r"request to https?://\S{1,300} failed, reason:", "connection"),
    ("failed to fetch", r"(?:^|\n|: ?)failed to fetch(?: \(|$|\n)", "connection"),
    ("timed out", "", "timeout"),
    (("timeout", "etimedout", "deadline exceeded", "timeout period has expired"),
     r"\b\w{0,30}timeout(?:error|exception)\b|etimedout|und_err_connect_timeout"
     r"|context deadline exceeded|(?:read|connect|request|connection|operation) timeout"
     r"|timeout period has expired", "timeout"),
    ("deadline exceeded", "", "timeout"),
    ("no module named", r"no module named '?[\w.]{1,60}", "missing_package"),
    ("cannot find module", r"cannot find module '?@?[\w./-]{1,80}", "missing_package"),
    weight=CODE,
)  # fmt: skip
