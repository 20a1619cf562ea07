"""Wrong calls, and wrong values in a settings model."""

from .mistake import InPython

OURS = "credentials = CredentialProvider(lambda: 'AIzaExample')"
MODEL = """
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    gemini: CredentialProvider
"""

IN_PYTHON = [
    InPython("CredentialProvider()", ("at least one provider", "Env()")),
    InPython("CredentialProvider([Env(), File('key')])", ("list", "one by one")),
    InPython("CredentialProvider('env:')", ("str", "from_uris")),
    InPython("CredentialProvider('KEY')", ("str", "a function")),
    InPython("CredentialProvider(None)", ("NoneType", "Env()")),
    InPython("CredentialProvider(Env)", ("Env is a class", "Env()")),
    InPython("CredentialProvider(ask)", ("async function", "plain function"), "async def ask(): ..."),
    InPython("CredentialProvider(Env(), ttl='5m')", ("ttl", "number of seconds")),
    InPython("CredentialProvider(Env(), ttl=0)", ("ttl=0", "above 0")),
    InPython("CredentialProvider.from_uris('env: file:key')", ("white space", "separate argument")),
    InPython("CredentialProvider.from_uris(['env:', 'file:key'])", ("list", "separate argument")),
    InPython("CredentialProvider.from_uris('gogle:projects/acme/secrets/s')", ("scheme", "Did you mean google:?")),
    InPython("Env('KEY')", ("not the name of an environment variable", "not the key")),
    InPython("File('')", ("not the path", "text")),
    InPython("File('KEY')", ("looks like an API key", "GEMINI_API_KEY")),
    InPython("GoogleSecretManager('gemini-api-key')", ("not the name of a secret", "projects/PROJECT/secrets/SECRET")),
    InPython("GoogleSecretManager('projects/p/secrets/s', transport='http')", ("transport", '"rest"')),
    InPython("AWSSecretsManager('prod gemini')", ("name", "prod/gemini")),
    InPython("CredentialProvider(Env()).get()", ("unset", "Set GOOGLE_API_KEY")),
    InPython("CredentialProvider(lambda: None).get()", ("returned NoneType", "Return the key")),
    InPython("credentials.client(api_key='KEY')", ("api_key", "chain"), OURS),
    InPython("credentials.client(enterprise=True, vertexai=False)", ("contradict", "vertexai"), OURS),
    InPython("credentials.client(http_options={'base_url': 'gateway.example'})", ("base_url", "https://"), OURS),
    InPython("credentials.http_options(base_url='http://gateway.example')", ("plain http", "allow_plain_http"), OURS),
    InPython("credentials.httpx_auth('Authorization', 'Bearer')", ("space", '"Bearer "'), OURS),
    InPython("credentials.httpx_auth('Authorization: Bearer ')", ("header", "separately"), OURS),
    InPython("credentials.reject('KEY')", ("ApiKey", "get()"), OURS),
    InPython("credentials.notify(within='soon')", ("within", "number of seconds"), OURS),
]

IN_SETTINGS = [
    InPython("Settings(gemini='env:,file:key')", ("gemini", "spaces"), MODEL),
    InPython("Settings(gemini='env')", ("gemini", "env:"), MODEL),
    InPython("Settings(gemini='gogle:projects/acme/secrets/s')", ("gemini", "Did you mean google:?"), MODEL),
    InPython("Settings(gemini=['env:', 'file:key'])", ("gemini", "list", "spaces"), MODEL),
    InPython("Settings(gemini='KEY')", ("gemini", "GEMINI_API_KEY"), MODEL),
]
