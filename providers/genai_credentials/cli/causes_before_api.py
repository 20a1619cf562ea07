"""Causes of errors before a request reaches the API: no key, the stores, the network, this library. A table."""

from __future__ import annotations

from genai_credentials.cli.meaning import CHECK, STATUS, Meaning
from genai_credentials.reasons import BADLY_PASTED

BEFORE_API = {
    "no_key": Meaning(
        "no_key", "no_key", "No key was found, so no key was sent.",
        ("The variable of the process is unset or empty. The process may be a service, or run in a container.",
         "The variable has another name than the library reads: GOOGLE_API_KEY, GEMINI_API_KEY, "
         "GOOGLE_GENERATIVE_AI_API_KEY.",
         "The .env file was not loaded, or the process was started before the variable was set.",
         "Each provider of the chain is absent or broken on this machine."),
        "Find out which link should have the key, and set the key there.", (STATUS,),
    ),
    "default_credentials": Meaning(
        "no_key", "default_credentials",
        "The library received no API key. It looked for a Google Cloud login, and found none.",
        ("The key was not passed to the constructor, and the variable of the process is unset.",
         "The variable or argument has another name than the library reads: GOOGLE_API_KEY, google_api_key, api_key.",
         "The client is in Vertex AI mode, which needs a login: GOOGLE_GENAI_USE_VERTEXAI, vertexai=True."),
        "Pass the key. For Vertex AI, run 'gcloud auth application-default login', or give the workload a service "
        "account.",
        (STATUS,),
    ),
    "bad_secret": Meaning(
        "no_key", "bad_secret", "The text that was used as key cannot be a key.",
        ("A line break or a blank was stored with the key.", "The text is a placeholder, not a real key.", BADLY_PASTED,
         "The text is a JSON document, and the chain does not name the field of the key."),
        "Store only the key, or name the field of the key.", (STATUS,),
    ),
    "store": Meaning(
        "misconfigured", "store", "The secret store refused the request. The Gemini API was not asked.",
        ("This identity may not read the secret.", "The secret, its version or its region has another name.",
         "The machine has no cloud credentials, or they have expired."),
        "Correct the access to the store. The key was not read, so it is not the cause.", (STATUS,),
    ),
    "store_outage": Meaning(
        "not_the_key", "store_outage", "The secret store is not available at the moment. The Gemini API was not asked.",
        ("The store is overloaded, or limits the number of requests.", "The network to the store is broken or slow."),
        "Try again later. If the error stays, check the status page of the store and the network.", (STATUS,),
    ),
    "login": Meaning(
        "misconfigured", "login", "The Google Cloud login of this machine has expired, was revoked, or cannot be used.",
        ("The login of a person has expired.", "The key of the service account was deleted or disabled.",
         "The clock of the machine is wrong.", "The library received no API key, and used this login."),
        "Run 'gcloud auth application-default login', or renew the key of the service account. Then try again.",
        (STATUS,),
    ),
    "mount": Meaning(
        "misconfigured", "mount", "The process cannot find or read the secret with the key.",
        ("The Kubernetes secret has another name or namespace, or lacks this entry.",
         "The volume is not mounted, or is mounted at another path.", "This user may not read the file.",
         "The operator that fills the secret could not reach the store."),
        "Compare the names in the manifest with 'kubectl get secret', and the path with the mount.", (STATUS,),
    ),
    "missing_package": Meaning(
        "misconfigured", "missing_package", "A package is missing in the Python environment of this process.",
        ("The extra of genai-credentials for this store is not installed: [google], [aws], [dotenv].",
         "The package is installed in another Python environment."),
        "Install the package or the extra that the error names.", (STATUS,),
    ),
    "configuration": Meaning(
        "misconfigured", "configuration", "The chain or an option is written wrong.",
        remedy="Correct the place that the error names.", run=(STATUS,),
    ),
    "tls": Meaning(
        "not_the_key", "tls", "No secure connection: this machine does not trust the certificate of the server.",
        ("The proxy of the company opens TLS connections, and this machine does not trust the proxy's certificate.",
         "The gateway has a self-signed certificate.", "One side uses plain http, and the other side uses TLS."),
        "Set SSL_CERT_FILE to a file with the certificate of the authority.", (CHECK,),
    ),
    "dns": Meaning(
        "not_the_key", "dns", "The name of the host was not found.",
        ("The base URL is misspelt.", "This machine has no network or no DNS.",
         "The network needs a proxy: set HTTPS_PROXY."),
        "Check the base URL and the network.", (CHECK,),
    ),
    "proxy": Meaning(
        "not_the_key", "proxy", "The proxy did not forward the request.",
        ("HTTPS_PROXY or HTTP_PROXY names a wrong proxy, or the proxy is down.", "The proxy needs a login."),
        "Check HTTPS_PROXY and NO_PROXY.", (CHECK,),
    ),
    "portal": Meaning(
        "not_the_key", "portal",
        "A web page answered instead of the API: the login page of a network or of a company.",
        ("The network needs a login first, as in a hotel or a train.",
         "The gateway needs the single sign-on of the company.", "The base URL is the URL of a web page."),
        "Log in to the network with a browser, or correct the base URL.", (CHECK,),
    ),
    "timeout": Meaning(
        "not_the_key", "timeout", "The server did not answer in time.",
        ("The network or a firewall drops the request.", "The server is overloaded."),
        "Try again. If the error stays, check the network to the host.", (CHECK,),
    ),
    "connection": Meaning(
        "not_the_key", "connection", "The connection failed or broke off. The API did not judge the key.",
        ("The port or the base URL is wrong, or the server is down.",
         "A firewall or a proxy blocks the connection."),
        "Check the base URL and the network.", (CHECK,),
    ),
}  # fmt: skip
