"""Words of errors without an answer of a server, and of missing Python packages."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import CODE, MESSAGE, phrases

_PORTALS = phrases(
    ("network authentication required", "", "portal"),
    ("captive portal", "", "portal"),
    ("sign in", r"sign in . cloudflare access", "portal"),
    weight=MESSAGE,
)
_FAILED = phrases(
    (("net::err_", "err_network", "err_internet"), r"net::err_cert\w{0,40}|net::err_ssl\w{0,40}", "tls"),
    ("net::err_name", r"net::err_name_\w{1,20}", "dns"),
    (("net::err_proxy", "net::err_tunnel"), r"net::err_(?:proxy|tunnel)\w{1,40}", "proxy"),
    ("net::err_timed", r"net::err_timed_out", "timeout"),
    (("net::err_", "err_network", "err_internet"),
     r"net::err_(?:connection|internet|network|address|empty)\w{0,40}|\berr_(?:network|internet)\w{0,40}",
     "connection"),
    ("network error", r"\bnetwork error\b", "connection"),
    ("appears to be offline", "", "connection"),
    (("recv failure", "send failure"), "", "connection"),
    (("connect to", "connection attempts failed", "clientconnector"),
     r"(?:cannot|could not|couldn't|unable to) connect to (?!the endpoint|proxy)|all connection attempts failed"
     r"|clientconnector\w{0,20}error", "connection"),
    ("max retries exceeded", "", "connection"),
    (("connection broken", "broken pipe", "epipe"), r"connection broken|broken pipe|\bepipe\b", "connection"),
    ("stream error", r"stream error: stream id", "connection"),
    ("peer closed connection", "", "connection"),
    ("handshakeexception", "", "tls"),
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
    (("failed host lookup", "no address associated with hostname", "name_not_resolved"), "", "dns"),
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
    (("too many redirects", "toomanyredirects", "maximum allowed redirects", "redirect count exceeded"), "", "portal"),
    ("fetch failed", r"(?:^|\n|: ?['\"]?|exception |api error )fetch failed", "connection"),
    ("error sending request", r"error sending request(?: for url|:)", "connection"),
    ("connection error", "", "connection"),
    ("close frame", r"no close frame received", "connection"),
    ("connection aborted", "", "connection"),
    ("load failed", r": load failed\b", "connection"),
    ("socketexception", r"\bsocketexception\b", "connection"),
    ("request to http", r"request to https?://\S{1,300} failed, reason:", "connection"),
    ("failed to fetch", r"(?:^|\n|: ?)failed to fetch(?: \(|$|\n)", "connection"),
    ("timed out", "", "timeout"),
    ("i/o timeout", "", "timeout"),
    ("timeout", r"(?:^|\n|: ?)timeout(?:[;.!]|$|\n)", "timeout"),
    (("timeout", "etimedout", "deadline exceeded", "timeout period has expired"),
     r"timeout(?:error|exception)\b|etimedout|und_err_connect_timeout"
     r"|context deadline exceeded|(?:read|connect|request|connection|operation) timeout"
     r"|timeout period has expired", "timeout"),
    ("deadline exceeded", "", "timeout"),
    (("_timeout", "gateway time-out"), r"_timeout\b|gateway time-out", "timeout"),
    ("is not installed",
     r"package is not installed|is not installed\b[^\n]{0,80}(?:install|pip|npm)", "missing_package"),
    ("cannot import name", "", "missing_package"),
    (("noclassdeffounderror", "classnotfoundexception"), "", "missing_package"),
    (("importerror", "modulenotfounderror", "err_module_not_found"),
     r"\b(?:importerror|modulenotfounderror): |err_module_not_found", "missing_package"),
    ("no module named", r"no module named '?[\w.]{1,60}", "missing_package"),
    ("cannot find module", r"cannot find module '?@?[\w./-]{1,80}", "missing_package"),
    weight=CODE,
)  # fmt: skip
PHRASES = (*_PORTALS, *_FAILED)
