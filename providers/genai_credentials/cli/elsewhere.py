"""What goes wrong before the API is reached: no key, the stores, the network, this library. A table."""

from __future__ import annotations

from genai_credentials.cli.meaning import CHECK, STATUS, Meaning
from genai_credentials.reasons import BADLY_PASTED

ELSEWHERE = {
    "no_key": Meaning(
        "no_key", "no_key", "There is no key: none was found, so none was sent.",
        ("The variable is unset or empty where the process runs: another shell, a service, a container.",
         "It has another name than is read: GOOGLE_API_KEY, GEMINI_API_KEY, GOOGLE_GENERATIVE_AI_API_KEY.",
         "The .env file was not loaded, or the process was started before the variable was set.",
         "Each provider of the chain is absent or broken on this machine."),
        "See which link should have had it.", (STATUS,),
    ),
    "default_credentials": Meaning(
        "no_key", "default_credentials",
        "No API key was given, so the library looked for a Google Cloud login, and found none.",
        ("The key was not passed to the constructor, and its variable is unset where the process runs.",
         "The variable or argument has another name than the library reads: GOOGLE_API_KEY, google_api_key, api_key.",
         "The client is in Vertex AI mode, which takes a login: GOOGLE_GENAI_USE_VERTEXAI, vertexai=True."),
        "Pass the key; for Vertex AI run 'gcloud auth application-default login', or give the workload an account.",
        (STATUS,),
    ),
    "bad_secret": Meaning(
        "no_key", "bad_secret", "The text in the key's place cannot be a key.",
        ("A line break or a blank was stored with it.", "A placeholder that was never replaced.", BADLY_PASTED,
         "A JSON document, of which one field should be named."),
        "Store the bare key, or name its field.", (STATUS,),
    ),
    "store": Meaning(
        "misconfigured", "store", "The secret store refused, not the Gemini API.",
        ("This identity may not read the secret.", "The secret, its version or its region has another name.",
         "The machine has no cloud credentials, or they have expired."),
        "Mend the access to the store; the key was never seen.", (STATUS,),
    ),
    "store_outage": Meaning(
        "not_the_key", "store_outage", "The secret store did not answer, or not for now; the Gemini API was not asked.",
        ("The store is overloaded, or throttles.", "The way to it is broken or slow."),
        "Try again later; check the store's status and this machine's network if it lasts.", (STATUS,),
    ),
    "login": Meaning(
        "misconfigured", "login", "The Google Cloud login of this machine has expired, was revoked, or cannot be used.",
        ("A person's login, which the organisation lets expire.", "The service account's key was deleted or disabled.",
         "The machine's clock is wrong.", "No API key was given, and the library fell back on that login."),
        "Run 'gcloud auth application-default login', or renew the service account's key; then try again.", (STATUS,),
    ),
    "mount": Meaning(
        "misconfigured", "mount", "The secret that holds the key is not where the process looks for it.",
        ("The Kubernetes secret has another name or namespace, or no such entry.",
         "The volume is not mounted, or at another path.", "The file may not be read by this user.",
         "The operator that fills the secret could not reach the store."),
        "Compare the names in the manifest with 'kubectl get secret', and the path with the mount.", (STATUS,),
    ),
    "missing_package": Meaning(
        "misconfigured", "missing_package", "A package is not installed where this process runs.",
        ("The extra of genai-credentials for this store: [google], [aws], [dotenv].",
         "It was installed into another environment than the one that runs."),
        "Install the package or the extra that the error names.", (STATUS,),
    ),
    "configuration": Meaning(
        "misconfigured", "configuration", "The chain or an option is written wrong.",
        remedy="The error points at the place.", run=(STATUS,),
    ),
    "tls": Meaning(
        "not_the_key", "tls", "No secure connection: the server's certificate is not trusted here.",
        ("A proxy of the company's that opens TLS, and whose authority this machine does not know.",
         "A gateway with a certificate of its own making.", "Plain http where TLS is spoken, or the other way round."),
        "Name the authority in SSL_CERT_FILE.", (CHECK,),
    ),
    "dns": Meaning(
        "not_the_key", "dns", "The host's name was not found.",
        ("A misspelt base URL.", "No network, or no DNS, from here.", "The network wants a proxy: HTTPS_PROXY."),
        "Check the base URL and the network.", (CHECK,),
    ),
    "proxy": Meaning(
        "not_the_key", "proxy", "The proxy did not let the request through.",
        ("HTTPS_PROXY or HTTP_PROXY names a wrong or a closed proxy.", "The proxy wants a login."),
        "Check HTTPS_PROXY and NO_PROXY.", (CHECK,),
    ),
    "portal": Meaning(
        "not_the_key", "portal",
        "A page for people answered in the API's place: a login of the network's or a company's.",
        ("A network that wants a login first: a hotel's, a train's, a guest network.",
         "A company's single sign-on stands before the gateway.", "The base URL is that of a web page."),
        "Log in to the network with a browser, or correct the base URL.", (CHECK,),
    ),
    "timeout": Meaning(
        "not_the_key", "timeout", "No answer in time.",
        ("The network or a firewall swallows the request.", "The server is overloaded."),
        "Try again; check the way to the host.", (CHECK,),
    ),
    "connection": Meaning(
        "not_the_key", "connection", "No connection, or one that broke off; the key was not judged.",
        ("Nothing listens there: a wrong port or base URL, or the server is down.",
         "A firewall or a proxy in between."),
        "Check the base URL and the network.", (CHECK,),
    ),
}  # fmt: skip
