"""Tests of URIs: the grammar, its errors, and that the URI of a provider makes an equal provider."""

import traceback
from importlib.metadata import EntryPoint

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings

from genai_credentials import (
    AWSAgent,
    AWSSecretsManager,
    ConfigurationError,
    CredentialProvider,
    CredentialsError,
    Dotenv,
    Env,
    File,
    GoogleSecretManager,
)
from genai_credentials.uris import GROUP, parse, settings, split

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/gemini-AbCdEf"
EQUAL = {
    "env:": Env(),
    "env:GEMINI_API_KEY": Env("GEMINI_API_KEY"),
    "env:A,B": Env("A", "B"),
    "dotenv:": Dotenv(),
    "dotenv:.env#GEMINI_API_KEY": Dotenv(".env", "GEMINI_API_KEY"),
    "file:/run/secrets/gemini": File("/run/secrets/gemini"),
    "file:config.json#google_api_key": File("config.json", field="google_api_key"),
    "file:a%20b%23c%3F": File("a b#c?"),
    "google:projects/P/secrets/S": GoogleSecretManager("projects/P/secrets/S"),
    "google:projects/P/secrets/S/versions/7": GoogleSecretManager("projects/P/secrets/S/versions/7"),
    "google:projects/P/locations/europe-west1/secrets/S#field": GoogleSecretManager(
        "projects/P/locations/europe-west1/secrets/S", field="field"
    ),
    "google:projects/P/secrets/S?transport=rest": GoogleSecretManager("projects/P/secrets/S", transport="rest"),
    "google:projects/P/secrets/S#/google/api_key": GoogleSecretManager("projects/P/secrets/S", "/google/api_key"),
    "file:keys.json#/~1a~0b/0": File("keys.json", "/~1a~0b/0"),
    "aws-agent:prod/gemini": AWSAgent("prod/gemini"),
    "aws-agent:prod/gemini?stage=AWSPENDING&port=4000#api_key": AWSAgent(
        "prod/gemini", "api_key", stage="AWSPENDING", port=4000
    ),
    f"aws-agent:{ARN}?version_id=7#/google/api_key": AWSAgent(ARN, "/google/api_key", version_id="7"),
    "aws:prod/gemini?region=eu-west-1&stage=AWSPENDING#api_key": AWSSecretsManager(
        "prod/gemini", field="api_key", region="eu-west-1", stage="AWSPENDING"
    ),
    f"aws:{ARN}#api_key": AWSSecretsManager(ARN, field="api_key"),
    "aws:s?version_id=00000000-0000-0000-0000-000000000000": AWSSecretsManager(
        "s", version_id="00000000-0000-0000-0000-000000000000"
    ),
}


@pytest.mark.parametrize(("uri", "provider"), EQUAL.items())
def test_a_uri_is_the_provider_it_describes_and_reads_back(uri, provider):
    assert parse(uri) == provider
    assert parse(provider.uri) == provider
    assert hash(parse(uri)) == hash(provider)


def test_different_uris_are_different_providers():
    providers = {parse(uri) for uri in EQUAL}
    assert len(providers) == len(EQUAL)
    assert Env(environ={}) != Env(environ={})


@pytest.mark.parametrize(
    ("uri", "position", "words"),
    [
        ("aws:", 5, "a secret's name or ARN"),
        ("google:", 8, "projects/PROJECT/secrets/SECRET"),
        ("file:", 6, "a path"),
        ("aws:x?zone=1", 7, "region=, stage= or version_id="),
        ("aws-agent:", 11, "a secret's name or ARN"),
        ("aws-agent:x?region=eu-west-1", 13, "stage=, version_id= or port="),
        ("aws-agent:x?port=0", 13, "a number from 1 to 65535"),
        ("aws-agent:x?port=none", 13, "a number from 1 to 65535"),
        ("aws-agent:x?port=65536", 13, "a number from 1 to 65535"),
        ("google:projects/P/secrets/S?region=x", 29, "transport="),
        ("google:projects/P/secrets/S?transport=http", 29, "transport=grpc or transport=rest"),
        ("aws:x?region", 7, "name=value"),
        ("aws:x?region=a&region=b", 16, "only once"),
        ("file:x?y=1", 7, "no '\\?'"),
        ("env:A#b", 6, "no '#'"),
        ("file:a b", 7, "white space"),
        ("file:a\x00b", 7, "control character"),
        ("file:%zz", 6, "two hexadecimal digits"),
        ("file:%f", 6, "two hexadecimal digits"),
        ("file:%ff", 6, "UTF-8"),
    ],
)
def test_an_error_points_at_the_character_and_says_what_was_expected(uri, position, words):
    with pytest.raises(ConfigurationError, match=words) as caught:
        parse(uri)
    text, line, pointer = str(caught.value).splitlines()
    assert f"at character {position}:" in text
    assert line == f"  {uri}"
    assert pointer.index("^") == position - 1 + 2


@pytest.mark.parametrize("text", ["AIzaSyNotForTheLog", "nope:AIzaSyNotForTheLog", "env:AIzaSyNotForTheLog", "", ":x"])
def test_what_may_be_a_key_in_the_wrong_place_is_not_repeated(text):
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert "AIza" not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("uri", ["file:keys.json#/a~2", "google:projects/P/secrets/S#/~", "aws-agent:x#/a/~b"])
def test_a_field_that_is_no_json_pointer_is_refused(uri):
    with pytest.raises(ConfigurationError, match="not a JSON Pointer"):
        parse(uri)


@pytest.mark.parametrize("scheme", ["aws-agent", "my-own-vault", "vault2", "v"])
def test_a_scheme_is_an_identifier_or_several_with_hyphens(scheme):
    assert split(f"{scheme}:x").scheme == scheme


@pytest.mark.parametrize("scheme", ["-x", "x-", "a--b", "2x", "a.b", "x y", "a" * 33, "a-" * 16 + "b"])
def test_anything_else_is_no_scheme(scheme):
    with pytest.raises(ConfigurationError, match="starts with a scheme"):
        split(f"{scheme}:x")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("env", "Did you mean env:?"),
        ("Env()", "Did you mean env:?"),
        ("ENV:", "Did you mean env:?"),
        ("gogle:projects/P/secrets/S", "Did you mean google:?"),
        ("googel:projects/P/secrets/S", "Did you mean google:?"),
        ("gsm:projects/P/secrets/S", "Did you mean google:?"),
        ("secretsmanager:x", "Did you mean aws:?"),
        ("aws_agent:x", "Did you mean aws-agent:?"),
        ("dotnev:.env", "Did you mean dotenv:?"),
        ("fille:key", "Did you mean file:?"),
        ("evn:", "Did you mean env:?"),
        ("nev", "Did you mean env:?"),
        ("ASW:prod/gemini", "Did you mean aws:?"),
        (".env", "dotenv:.env"),
        ("config/.env.local", "dotenv:.env"),
        ("/run/secrets/gemini", "file:/run/secrets/gemini"),
        ("./key", "file:/run/secrets/gemini"),
        ("~/key", "file:/run/secrets/gemini"),
        ("projects/P/secrets/S", "google:projects/"),
        (ARN, "aws:arn:aws:"),
        ("GEMINI_API_KEY", "env:GEMINI_API_KEY"),
        ('"env:"', "Remove the quotes"),
        ("'env:A", "Remove the quotes"),
        ("env:,file:key", "Separate links by spaces"),
        ("env:;file:key", "Separate links by spaces"),
        ("env:|aws:s", "Separate links by spaces"),
        ("file:key,env:", "Separate links by spaces"),
        ("aws:prod/gemini,google:projects/P/secrets/S", "Separate links by spaces"),
        ("env: file:key", "Pass each URI as a separate argument"),
        ("env:AIzaSyNotForTheLog", "env:GEMINI_API_KEY"),
        ("file:AIzaSyNotForTheLog_0123456789abcdefgh", "use env:"),
        ("vault:secret", "install the package with this scheme"),
    ],
)
def test_an_error_proposes_what_was_probably_meant(text, remedy):
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert remedy in caught.value.remedy
    assert "AIza" not in str(caught.value)


@pytest.mark.parametrize(
    ("chain", "at", "remedy"),
    [
        ("env", "GENAI_CREDENTIALS: ", "env:"),
        ("env:,file:key", "GENAI_CREDENTIALS: ", "spaces"),
        ("env:, file:key", "GENAI_CREDENTIALS, link 1 of 2: ", "spaces"),
        ("env: | file:key", "GENAI_CREDENTIALS, link 2 of 3: ", ""),
        ("env: gogle:projects/P/secrets/S", "GENAI_CREDENTIALS, link 2 of 2: ", "google:"),
        ("AIzaSyNotForTheLog", "GENAI_CREDENTIALS: ", "GEMINI_API_KEY"),
    ],
)
def test_an_error_of_the_environment_names_the_variable_and_the_link(chain, at, remedy):
    with pytest.raises(ConfigurationError) as caught:
        CredentialProvider.from_environment({"GENAI_CREDENTIALS": chain})
    assert caught.value.message.startswith(at)
    assert remedy in caught.value.remedy
    assert "AIza" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("path", ["a,env:", "a,env:b#c", "x,file:"])
def test_a_comma_that_belongs_to_a_path_survives_its_text_form(path):
    provider = File(path, field=path)
    assert parse(provider.uri) == provider


def test_links_that_read_different_things_have_different_names():
    uris = ["aws:s", "aws:s?region=eu-west-1", "aws:s?region=us-east-1", "aws:s?stage=AWSPENDING", "aws:s?version_id=7"]
    uris += [f"{uri}#k" for uri in uris] + ["dotenv:.env", "dotenv:.env#A", "dotenv:.env#B", "aws-agent:s?port=4000"]
    assert [parse(uri).name for uri in uris] == uris
    credentials = CredentialProvider.from_uris(*uris)
    assert [link.provider for link in credentials.status().links] == uris


def test_what_is_no_text_or_no_secrets_name_is_refused():
    with pytest.raises(ConfigurationError, match="not int"):
        parse(7)
    with pytest.raises(ConfigurationError, match="not the name of a secret"):
        parse("google:projects/P")


@given(st.text(max_size=60) | st.from_regex(r"(env|file|dotenv|google|aws|aws-agent):[!-~]{0,40}", fullmatch=True))
def test_any_text_reads_back_or_raises_the_documented_error(text):
    try:
        provider = parse(text)
    except ConfigurationError:
        return
    assert parse(provider.uri) == provider


@given(st.text(min_size=1, max_size=30).filter(str.isprintable), st.text(min_size=1, max_size=10))
def test_any_path_and_field_survive_their_text_form(path, field):
    provider = File(path, field=field)
    assert parse(provider.uri) == provider


def test_the_environment_sets_the_chain_and_its_durations():
    environ = {"GENAI_CREDENTIALS": " env:A\n aws:s ", "GENAI_CREDENTIALS_TTL": "60", "GENAI_CREDENTIALS_MAX_STALE": ""}
    assert settings(environ) == (["env:A", "aws:s"], {"ttl": 60.0})
    assert settings({}) == (["env:"], {})
    with pytest.raises(ConfigurationError, match="GENAI_CREDENTIALS_TTL='soon'"):
        settings({"GENAI_CREDENTIALS_TTL": "soon"})
    chain = CredentialProvider.from_environment(environ, ttl=30)
    assert [link.provider for link in chain.status().links] == ["env:A", "aws:s"]


def test_from_environment_reads_the_process_by_default(monkeypatch):
    monkeypatch.setenv("GENAI_CREDENTIALS", "env:SOME_KEY")
    monkeypatch.setenv("SOME_KEY", "AIzaExample")
    assert CredentialProvider.from_environment()() == "AIzaExample"


def test_a_uri_is_taken_apart():
    parsed = split("x:a%20b?n=1&m=%26#f%23")
    assert (parsed.scheme, parsed.path, parsed.query, parsed.field) == ("x", "a b", {"n": "1", "m": "&"}, "f#")
    with pytest.raises(ConfigurationError, match="at character 3"):
        parsed.fail("something else", "a%20b")


# As a field of a pydantic model


class Settings(BaseSettings):
    credentials: CredentialProvider = Field(default_factory=lambda: CredentialProvider(Env()))


class Optional(BaseSettings):
    credentials: CredentialProvider | None = None


class Unset(BaseModel):
    credentials: CredentialProvider = None


class Choice(BaseSettings):
    credentials: CredentialProvider | int | str


def test_settings_read_the_chain_from_their_own_variable(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "AIzaExample")
    assert Settings().credentials() == "AIzaExample"
    monkeypatch.setenv("CREDENTIALS", "file:/run/secrets/gemini env:GEMINI_API_KEY")
    settings = Settings()
    assert settings.credentials() == "AIzaExample"
    assert Settings(credentials=settings.credentials).credentials is settings.credentials
    assert settings.model_dump_json() == (
        '{"credentials":"<CredentialProvider file:/run/secrets/gemini, env:GEMINI_API_KEY>"}'
    )


@pytest.mark.parametrize("wrong", ["AIzaPastedInTheWrongPlace", "env:A nonsense:AIzaPasted", b"AIzaPasted"])
@pytest.mark.parametrize("model", [Settings, Optional, Choice])
def test_settings_that_are_wrong_say_so_without_their_text(model, wrong):
    with pytest.raises(CredentialsError) as caught:
        model(credentials=wrong)
    assert "AIza" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ("env:,file:key", "spaces"),
        ("env", "Did you mean env:?"),
        ("gogle:x", "Did you mean google:?"),
        (["env:"], "spaces"),
        ("AIzaPasted", "GEMINI_API_KEY"),
    ],
)
@pytest.mark.parametrize("model", [Settings, Optional, Choice])
def test_settings_that_are_wrong_name_their_field_and_what_to_do(model, wrong, remedy):
    with pytest.raises(CredentialsError) as caught:
        model(credentials=wrong)
    assert caught.value.message.startswith("credentials: ")
    assert remedy in caught.value.remedy


def test_a_wrong_variable_of_settings_names_its_field(monkeypatch):
    monkeypatch.setenv("CREDENTIALS", "env:,file:key")
    with pytest.raises(CredentialsError, match=r"^credentials: There are several links"):
        Settings()


def test_a_field_may_be_left_empty(monkeypatch):
    monkeypatch.delenv("CREDENTIALS", raising=False)
    assert Optional().credentials is None
    assert Optional().model_dump_json() == Unset().model_dump_json() == '{"credentials":null}'
    assert isinstance(Optional(credentials="env:").credentials, CredentialProvider)


def test_a_field_has_a_schema():
    for mode in ("validation", "serialization"):
        assert Settings.model_json_schema(mode=mode)["properties"]["credentials"]["type"] == "string"


def test_a_mapping_in_place_of_the_environment_is_the_environment_of_the_chain(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "AIzaOfTheProcess")
    for chain in ({}, {"GENAI_CREDENTIALS": "env:GEMINI_API_KEY"}):
        assert CredentialProvider.from_environment({"GEMINI_API_KEY": "AIzaMine", **chain})() == "AIzaMine"


@pytest.mark.parametrize("name", ["TTL", "FETCH_TIMEOUT", "MAX_STALE"])
def test_a_duration_that_makes_no_sense_is_named_by_its_variable(name):
    for text in ("soon", "-1", "nan", *(["0"] if name != "MAX_STALE" else [])):
        with pytest.raises(ConfigurationError, match=f"GENAI_CREDENTIALS_{name}='{text}'"):
            settings({f"GENAI_CREDENTIALS_{name}": text})


@pytest.mark.parametrize(
    "provider", [File("/k", ""), AWSSecretsManager("s", ""), GoogleSecretManager("projects/p/secrets/s", "")]
)
def test_an_empty_field_is_none(provider):
    assert (provider.field, parse(provider.uri)) == (None, provider)


def test_a_plug_in_that_cannot_be_imported_is_named(monkeypatch):
    point = EntryPoint("boom", "no_such_module_at_all:make", GROUP)
    monkeypatch.setattr("genai_credentials.uris.entry_points", lambda **_: [point])
    with pytest.raises(ConfigurationError, match="boom: the plug-in for this scheme raised ModuleNotFoundError"):
        parse("boom:x")


def vault(uri):
    return Env("KEY", environ={"KEY": "AIzaOfTheVault"})


def test_the_environment_of_a_plug_in_is_its_own(monkeypatch):
    point = EntryPoint("vault", f"{__name__}:vault", GROUP)
    monkeypatch.setattr("genai_credentials.uris.entry_points", lambda **_: [point])
    credentials = CredentialProvider.from_environment({"GENAI_CREDENTIALS": "vault:x", "KEY": "AIzaOfTheMapping"})
    assert credentials() == "AIzaOfTheVault"
