"""Words of the secret stores, of logins at the clouds, and of Kubernetes."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import GENERAL, REASON, phrases

_GOOGLE = phrases(
    ("secretmanager", r"permission '?secretmanager\.\w+\.\w+'? denied", "store"),
    ("secret", r"secret \[?projects/[^\n]{1,200}not found", "store"),
    ("secret", r"secret(?: version)? \[?projects/[^\n]{1,200}is in (?:disabled|destroyed) state", "store"),
    ("secret manager api has not been used", "", "store"),
    ("resource id", r"resource id \[?projects/[^\n]{1,200}is not in a valid format", "store"),
    ("permission denied on secret", "", "store"),
    ("secretmanager", r"service\W{1,12}(?:value\W{1,12})?secretmanager\.googleapis\.com", "store"),
    weight=REASON,
)
_AWS = phrases(
    ("calling the", r"when calling the getsecretvalue operation", "store"),
    ("secrets manager can't find", "", "store"),
    ("secretsmanager:", r"not authorized to perform: ?secretsmanager:\w+", "store"),
    ("kms", r"access to kms is not allowed|not authorized to perform: ?kms:\w+", "store"),
    ("can't decrypt", r"secrets manager can't decrypt", "store"),
    ("marked for deletion", r"(?:secret|operation)[^\n]{0,120}marked for deletion", "store"),
    ("signature expired", "", "store"),
    ("signature not yet current", "", "store"),
    ("signature we calculated", r"request signature we calculated does not match", "store"),
    ("security token included in the request", "", "store"),
    ("token has expired and refresh failed", "", "store"),
    ("sso",
     r"error when retrieving token from sso|sso session (?:associated with this profile )?has expired"
     r"|(?:load|find|read|refresh)\w{0,4} (?:the |an? )?sso token|aws sso login", "store"),
    ("unable to locate credentials", "", "store"),
    ("must specify a region", "", "store"),
    ("config profile", r"the config profile \([^)\n]{1,100}\) could not be found", "store"),
    ("partial credentials found", "", "store"),
    ("could not connect to the endpoint url",
     r"could not connect to the endpoint url[^\n]{0,20}secretsmanager", "store"),
    ("credentials from", r"could not load credentials from (?!any)\w{1,60}", "store"),
    ("credentialserror", r"(?<!_credentials\.errors\.)\bcredentialserror\b", "store"),
    ("credentials from any", r"\b(?:could not|unable to) load credentials from any (?:of the )?providers", "store"),
    ("region is missing", r"\b(?<!\w )region is missing\b", "store"),
    ("no ec2 imds role found", "", "store"),
    ("failed to refresh cached credentials", "", "store"),
    ("load aws credentials", "", "store"),
    ("nocredentialproviders", "", "store"),
    ("invalidaccesskeyid", "", "store"),
    ("iam security credentials", "", "store"),
    ("instance metadata service", "", "store"),
    ("credentials server", r"unable to reach credentials server", "store"),
    ("assumerole", r"(?:calling the assumerole\w{0,20} operation|sts:assumerole\w{0,20})", "store"),
    weight=REASON,
)  # fmt: skip
_AWS_CODES = phrases(
    *((code, rf"\b{code}(?:exception|error)?\b", "store") for code in (
        "accessdeniedexception", "expiredtoken", "invalidsignature", "unrecognizedclient", "invalidclienttokenid",
        "signaturedoesnotmatch", "signatureexpired", "decryptionfailure", "requestexpired", "requesttimetooskewed",
        "unauthorizedssotoken", "ssotokenload", "tokenretrieval", "nocredentialserror", "noregionerror",
        "profilenotfound", "partialcredentials", "credentialretrieval", "credentialsprovidererror",
        "resourcenotfoundexception", "optinrequired",
    )),
    weight=GENERAL,
)  # fmt: skip
_LOGINS = phrases(
    ("reauthentication", r"reauthentication (?:is needed|failed|required)", "login"),
    ("invalid_grant", "", "login"),
    ("invalid_rapt", "", "login"),
    (("invalid_client", "unauthorized_client"), r"\b(?:invalid|unauthorized)_client\b", "login"),
    ("refresh token",
     r"(?:invalid|expired|revoked|missing) refresh token|refresh token (?:is |has )?(?:invalid|expired|revoked)",
     "login"),
    ("token has been expired or revoked", "", "login"),
    ("refresherror", "", "login"),
    ("refreshing your current auth tokens", "", "login"),
    ("getting metadata from plugin failed", "", "login"),
    ("refresh access token", r"could not refresh access token", "login"),
    ("oauth token",
     r"(?:fail\w{0,3}|unable|could not|cannot)\b[^\n]{0,10} (?:get|fetch|obtain|load) (?:\w{1,4} )?oauth token",
     "login"),
    (("exchange", "refresh"),
     r"fail\w{0,3} to (?:exchange|refresh)[^\n]{0,40} (?:tokens?|code)\b"
     r"|token (?:exchange|refresh) (?:has )?failed|token[_-]refresh\b[^\n]{0,40}fail", "login"),
    ("client_secret", r"client_secret[\"' ]{1,3}(?:is )?(?:missing|invalid|required)", "login"),
    ("application-default login", r"gcloud auth application-default login", "login"),
    ("impersonated credentials", "", "login"),
    ("credential", r"invalid credentials? (?:format|file|json|type)\b", "login"),
    ("authenticating",
     r"(?:error|fail\w{0,5}) authenticating (?:the |to |with )?(?:cloud sdk|gcloud|google cloud)", "login"),
    ("credentials file",
     r"credentials file [^\n]{1,160}(?:not found|does not exist|(?:cannot|could not) be (?:read|found))", "login"),
    ("deserialize key data", "", "login"),
    ("service account info", r"service account info was not in the expected format", "login"),
    weight=GENERAL,
)  # fmt: skip
# Whatever the metadata server answers, a page of HTML among it, it is about the login.
_METADATA = phrases(
    ("computemetadata",
     r"failed to retrieve http://(?:metadata\.google\.internal|169\.254\.169\.254)/computemetadata", "login"),
)  # fmt: skip
_ANY = phrases(
    ("secret",
     r"(?:fail\w{0,5}|unable|could not|couldn't|cannot|can't|error)\b[^\n]{0,40} (?:access|resolv|read"
     r"|fetch|retriev|get|load|decrypt|pull)\w{0,4} (?:the |a )?(?:\w{1,20} )?secrets?\b(?! key)", "store"),
    ("/secrets/", r"\b[45]\d\d [^\n]{0,200}\bprojects/[^\s/]{1,100}/secrets/", "store"),
    (("secret manager", "secretmanager"),
     r"\b(?:fail\w{0,5}|error|unable|could not|couldn't|cannot)\b[^\n]{0,60} secret ?manager"
     r"|secret ?manager\w{0,20}\b[^\n]{0,60} (?:fail\w{0,5}|error|denied|unable|could not)\b", "store"),
    ("webidentityerr", "", "store"),
    ("hvac.exceptions", "", "store"),
    (("could not resolve item", "isn't an item in the", "op signin"), "", "store"),
    ("error making api request",
     r"error making api request\.[^~]{0,200}?\burl: \S{1,10} \S{1,300}/v1/\S{1,200}[^~]{0,60}?\bcode: [45]\d\d",
     "store"),
    ("vault", r"\bvault\b[^\n]{0,200}(?:permission denied|sealed|does not have secrets get permission)", "store"),
    ("secrets get permission", "", "store"),
    (("doppler", "infisical", "1password", "key vault", "keyvault", "akeyless", "op://"),
     r"\b(?:doppler|infisical|1password|key ?vault|akeyless)\w{0,10}\b[^\n]{0,80}"
     r"(?:error|invalid|denied|not ?found|fail|could not|unable|not have)|op://", "store"),
    (("secretproviderclass", "secrets store"),
     r"secretproviderclass[^\n]{0,120}(?:not found|fail|error)|failed to mount secrets store", "mount"),
    (("secretstore", "provider client", "store reference"),
     r"secretstore \S{0,80} ?is not ready|secretstore validation failed"
     r"|could not (?:get|create) provider client|could not use store reference", "mount"),
    weight=GENERAL,
)  # fmt: skip
_FILES = phrases(
    ("google_application_credentials",
     r"file [^\n]{1,200} was not found\.(?=[^\n]{0,200}google_application_credentials)"
     r"|google_application_credentials[^\n]{0,200}(?:not found|no such file|does not exist)", "login"),
)  # fmt: skip
_MOUNTS = phrases(
    ("mountvolume.setup failed", r"mountvolume\.setup failed[^\n]{0,200}secret", "mount"),
    ("couldn't find key", r"couldn't find key \S{1,100} in (?:secret|configmap)", "mount"),
    ("references non-existent", r"references non-existent (?:secret|config) key", "mount"),
    ("secret", r"\bsecrets? \"[\w.-]{1,100}\" (?:not found|is forbidden|is invalid)", "mount"),
    ("createcontainerconfigerror", "", "mount"),
    ("mountvolume.newmounter", r"mountvolume\.newmounter initialization failed[^\n]{0,200}secret", "mount"),
    ("required value", r"\bsecret(?:name|keyref\.name|keyref\.key): required value\b", "mount"),
    ("failed to sync secret cache", "", "mount"),
    ("secretsyncederror", "", "mount"),
    ("secret object", r"failed validation for secret object", "mount"),
    ("could not get secret data from provider", "", "mount"),
    ("no such file", r"no such file or directory[^\n]{0,20}['\"`]?/[^\n]{0,120}(?:secret|key|token|gemini)", "mount"),
    ("no such file",
     r"/[^\n'\"]{0,120}(?:secret|api[_-]?key|gemini)[^\n'\"]{0,60}['\"]?: no such file or directory", "mount"),
    (("eacces", "permission denied, open", "accessdeniedexception: /"),
     r"(?:permission denied, open '|accessdeniedexception: )/[^\n]{0,120}(?:secret|key|token|gemini)", "mount"),
    ("permission denied", r"open /[^\n]{0,120}(?:secret|key|token|gemini)[^\n]{0,60}: permission denied", "mount"),
    ("bind source path does not exist", "", "mount"),
    ("permission denied: '/", r"permission denied: '/[^\n]{0,120}(?:secret|key|token|gemini)", "mount"),
    ("is a directory", r"is a directory: '/[^\n]{0,120}(?:secret|key|token|gemini)", "mount"),
)  # fmt: skip
PHRASES = (*_GOOGLE, *_AWS, *_AWS_CODES, *_LOGINS, *_METADATA, *_ANY, *_FILES, *_MOUNTS)
