"""Tests of `ApiKey`, which hides its text and never changes, and of `clean`, which finds the key in a copied text."""

import copy
import hashlib
import json
import pickle
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from genai_credentials import ApiKey, ConfigurationError, InvalidSecret
from genai_credentials.key import MAX_BYTES, PLACEHOLDER, clean, extract_field

SECRET = "AIzaSyD-secret_0123456789"
WRAPS = [
    "  {}",
    "{}\n",
    "\t{}\r\n",
    "\ufeff{}",
    "\n\ufeff{}",
    '"{}"',
    "'{}'",
    "`{}`",
    "\u201c{}\u201d",
    "\u2018{}\u2019",
]
NESTED_WRAPS = ["'\"{}\"'", '" {} "', '\ufeff"{}"\n', '"\ufeff{}"', "`\u201c'{}'\u201d`"]


@pytest.fixture
def key() -> ApiKey:
    return ApiKey(SECRET, provider="vault", version="7")


class TestApiKey:
    def test_says_where_it_came_from(self, key: ApiKey) -> None:
        assert (key.provider, key.version, key.notes) == ("vault", "7", ())
        assert key.get_secret_value() == SECRET
        assert ApiKey(SECRET, provider="vault").version is None

    @pytest.mark.parametrize(
        "origin", [{"provider": 3}, {"provider": ""}, {"provider": "vault", "fetched_at": "today"}]
    )
    def test_a_provider_or_a_time_of_a_wrong_kind_is_refused(self, origin: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            ApiKey(SECRET, **origin)
        assert caught.value.remedy
        assert SECRET not in str(caught.value)

    def test_fingerprint_is_the_start_of_its_sha256(self, key: ApiKey) -> None:
        assert key.fingerprint == hashlib.sha256(SECRET.encode()).hexdigest()[:8]

    def test_was_fetched_now_in_utc_unless_told(self, key: ApiKey) -> None:
        assert key.fetched_at.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - key.fetched_at) < timedelta(minutes=1)
        told = datetime(2026, 1, 2, tzinfo=UTC)
        assert ApiKey(SECRET, provider="p", fetched_at=told).fetched_at is told

    def test_equal_by_text_alone(self, key: ApiKey) -> None:
        same = ApiKey(f" {SECRET}\n", provider="env")
        assert key == same
        assert len({key, same}) == 1
        assert key != ApiKey("AIza-other", provider="vault", version="7")
        assert key != SECRET

    @pytest.mark.parametrize("name", ["_text", "fingerprint", "version", "anything"])
    def test_is_immutable(self, key: ApiKey, name: str) -> None:
        with pytest.raises(AttributeError, match="immutable"):
            setattr(key, name, "AIza-other")
        with pytest.raises(AttributeError, match="immutable"):
            delattr(key, name)
        assert key.get_secret_value() == SECRET

    @pytest.mark.parametrize(
        "show",
        [
            repr,
            str,
            format,
            "{}".format,
            "{!r:>60}".format,
            "%s".__mod__,
            "%r".__mod__,
            lambda key: f"{key:>60} {[key]}",
        ],
    )
    def test_shows_its_fingerprint_and_never_its_text(self, key: ApiKey, show: Callable[[object], str]) -> None:
        assert SECRET not in show(key)
        assert f"<ApiKey {key.fingerprint} from vault version 7>" in show(key)

    def test_has_no_attributes_to_dump(self, key: ApiKey) -> None:
        with pytest.raises(TypeError):
            vars(key)
        assert SECRET not in repr(dir(key))

    def test_stays_hidden_in_a_traceback_with_locals(self, key: ApiKey) -> None:
        try:
            held = {"key": key}
            raise ValueError(key, held)
        except ValueError as error:
            shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert "held" in shown
        assert SECRET not in shown

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_refuses_to_be_pickled(self, key: ApiKey, protocol: int) -> None:
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(key, protocol)

    def test_copies_are_itself(self, key: ApiKey) -> None:
        assert copy.copy(key) is key
        assert copy.deepcopy({"keys": [key]})["keys"][0] is key


class TestClean:
    @pytest.mark.parametrize("wrap", [*WRAPS, *NESTED_WRAPS])
    def test_takes_off_what_a_copied_key_carries(self, wrap: str) -> None:
        assert clean(wrap.format(SECRET), "vault")[0] == SECRET

    @pytest.mark.parametrize(
        ("text", "notes"),
        [
            (SECRET, ()),
            (f" {SECRET}\n", ("surrounding white space",)),
            (f"\ufeff{SECRET}", ("a byte-order mark",)),
            (f'"{SECRET}"', ("quotes",)),
            (f"{SECRET}\n", ()),
            (f"{SECRET}\r\n", ()),
            (f'"{SECRET}"\n', ("quotes",)),
            (f"{SECRET}\n\n", ("surrounding white space",)),
            (f"{SECRET} \n", ("surrounding white space",)),
            (f'\ufeff "{SECRET}" ', ("surrounding white space", "a byte-order mark", "quotes")),
        ],
    )
    def test_notes_what_it_took_off(self, text: str, notes: tuple[str, ...]) -> None:
        assert clean(text, "vault")[1] == notes
        assert ApiKey(text, provider="vault").notes == notes

    @pytest.mark.parametrize("text", ["AQ.Ab8RN6_x-y", "auth_tokens/abc123", "sk-proj-1", "x", "a" * MAX_BYTES, "'x\""])
    def test_checks_no_prefix(self, text: str) -> None:
        assert clean(text, "vault") == (text, ())

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "is empty"),
            (" \n\t ", "is empty"),
            ('""', "is empty"),
            ("\ufeff", "is empty"),
            (f"{SECRET} {SECRET}", "white space inside"),
            (f"{SECRET[:9]}\n{SECRET[9:]}", "white space inside"),
            (f"{SECRET}\x00", "control characters"),
            (f"{SECRET}\x1b[0m", "control characters"),
            (f"{SECRET}\u200b", "outside ASCII"),
            (f"{SECRET}\u00e9", "outside ASCII"),
            (f"{SECRET}\udc80", "outside ASCII"),
            (f"Bearer {SECRET}", "Bearer"),
            (f"bearer\t{SECRET}", "Bearer"),
            ("a" * (MAX_BYTES + 1), f"{MAX_BYTES + 1} characters"),
            ("a" * 65_536, "65536 characters"),
            (" " * 100_000 + SECRET, "characters; a key has at most 4096"),
            (f'{{"api_key": "{SECRET}"}}', "JSON object"),
            (f'{{\n  "api_key": "{SECRET}"\n}}', "JSON object"),
        ],
    )
    def test_refuses_what_is_no_key_without_repeating_it(self, text: str, reason: str) -> None:
        with pytest.raises(InvalidSecret, match=reason) as caught:
            clean(text, "vault")
        assert str(caught.value).startswith("vault: ")
        assert caught.value.remedy
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "seen"),
        [
            (f"{SECRET},{SECRET}", "several keys: 2 values, separated by commas"),
            (f"{SECRET}, {SECRET} ,\n{SECRET},", "several keys: 3 values, separated by commas"),
            (f'"{SECRET}","{SECRET}"', "several keys: 2 values, separated by commas"),
            (f"['{SECRET}', '{SECRET}']", "several keys: 2 values, separated by commas"),
            (f"{SECRET};{SECRET}", "several keys: 2 values, separated by semicolons"),
            (f"{SECRET},", "has commas beside the key"),
            (f'["{SECRET}", "{SECRET}", "{SECRET}"]', "several keys: a JSON list of 3"),
            (f'\n["{SECRET}"]', "is a JSON list"),
            ("[]", "is a JSON list"),
            (f"GOOGLE_API_KEY={SECRET}\nGEMINI_API_KEY={SECRET}\n", "several keys: 2 lines NAME=value"),
            (f"# ours\r\nexport first = {SECRET}\r\n\r\nsecond='{SECRET}'", "several keys: 2 lines NAME=value"),
            (f"GEMINI_API_KEY={SECRET}", "is a line NAME=value"),
            (f"my_key={SECRET}", "is a line NAME=value"),
            (f'$env:GEMINI_API_KEY="{SECRET}"', "is a line NAME=value"),
            (f"{SECRET}\n{SECRET}\n{SECRET}", "white space inside .3 lines."),
        ],
    )
    def test_says_of_several_keys_what_it_saw(self, text: str, seen: str) -> None:
        with pytest.raises(InvalidSecret, match=seen) as caught:
            ApiKey(text, provider="vault")
        assert caught.value.remedy
        assert SECRET not in str(caught.value)
        assert caught.value.__context__ is None

    @pytest.mark.parametrize(
        "text", ["dG9rZW4=", "dG9rZW4==", "a=b", "1|tokenOfAGateway", "#token", "[token]", "=", "a:b"]
    )
    def test_a_key_of_a_gateway_may_look_a_little_like_several(self, text: str) -> None:
        assert clean(text, "vault") == (text, ())

    @pytest.mark.parametrize(
        "text",
        [
            "YOUR_API_KEY",
            "your-api-key",
            "<YOUR_API_KEY>",
            "${GEMINI_API_KEY}",
            "$GOOGLE_API_KEY",
            "YOUR_API_KEY_HERE",
            "yourApiKey",
            "YOURAPIKEY",
            "...your_key...",
            "replace-me",
            "ChangeMe",
            PLACEHOLDER,
        ],
    )
    def test_refuses_placeholders_in_any_spelling(self, text: str) -> None:
        with pytest.raises(InvalidSecret, match="placeholder"):
            clean(text, "vault")

    @pytest.mark.parametrize("value", [None, 7, b"AIza", ["AIza"]])
    def test_refuses_what_is_no_text(self, value: object) -> None:
        with pytest.raises(InvalidSecret, match=f"is {type(value).__name__}, not text"):
            clean(value, "vault")  # type: ignore[arg-type]

    def test_a_traceback_with_locals_shows_a_refused_key_as_refused(self) -> None:
        with pytest.raises(InvalidSecret) as caught:
            ApiKey("", provider="vault")
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        assert "self = <ApiKey, refused>" in "".join(shown)

    def test_a_refused_key_is_never_built(self) -> None:
        with pytest.raises(InvalidSecret, match=r"^vault: "):
            ApiKey("", provider="vault")

    @given(st.text(max_size=60) | st.text("aK'\"` \n\ufeff\u201c\u201d", max_size=12))
    def test_any_text_gives_a_clean_key_or_a_refusal(self, text: str) -> None:
        try:
            cleaned, _ = clean(text, "vault")
        except InvalidSecret:
            return
        assert cleaned.isascii()
        assert cleaned.isprintable()
        assert cleaned.split() == [cleaned]
        assert clean(cleaned, "vault") == (cleaned, ())

    @given(st.text(max_size=20), st.text(max_size=20))
    def test_no_refusal_repeats_any_of_the_text(self, before: str, after: str) -> None:
        try:
            shown = clean(f"{before}{SECRET}{after}", "vault")[1:]
        except InvalidSecret as error:
            shown = (error, error.args, vars(error))
        assert SECRET not in f"{shown} {shown[0]!s}"

    @given(
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60),
        st.lists(st.sampled_from(WRAPS), max_size=6),
    )
    def test_any_wrapping_of_a_clean_key_comes_off(self, text: str, wraps: list[str]) -> None:
        try:
            bare, _ = clean(text, "vault")
        except InvalidSecret:
            assume(False)
        wrapped = bare
        for wrap in wraps:
            wrapped = wrap.replace("{}", wrapped)
        assert clean(wrapped, "vault")[0] == bare


class TestExtractField:
    @pytest.mark.parametrize("mark", ["", "\ufeff", "\n"])
    def test_takes_one_field(self, mark: str) -> None:
        assert extract_field(f'{mark}{{"api_key": "{SECRET}", "n": 1}}', "api_key", "vault") == SECRET

    def test_no_field_means_the_whole_text(self) -> None:
        assert extract_field(SECRET, None, "vault") == SECRET

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (SECRET, "is not a JSON object"),
            (f'"{SECRET}"', "is not a JSON object"),
            (f'["{SECRET}"]', "is not a JSON object"),
            (f'{{"api_key": "{SECRET}"', "is not a JSON object"),
            ("[" * 100_000, "is not a JSON object"),
            (f'{{"user": "{SECRET}", "apikey": "{SECRET}"}}', "its fields are: apikey, user"),
            ("{}", "its fields are: none"),
            (f'{{"{SECRET * 2}": 1}}', "unprintable or long name"),
            ('{"a\\u0000b": 1}', "unprintable or long name"),
            (f'{{"api_key": ["{SECRET}"]}}', "has list, not text, in the field 'api_key'"),
            ('{"api_key": null}', "has NoneType, not text, in the field 'api_key'"),
        ],
    )
    def test_names_fields_and_never_values(self, text: str, reason: str) -> None:
        with pytest.raises(InvalidSecret, match=reason) as caught:
            extract_field(text, "api_key", "vault")
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    @pytest.mark.parametrize(
        ("pointer", "found"),
        [
            ("/google/api_key", "nested"),
            ("/google/keys/1/text", "in a list"),
            ("/google/a~1b", "with a slash"),
            ("/google/m~0n", "with a tilde"),
            ("/google/~01", "an escape undone once"),
            ("/google/", "empty"),
            ("/~1x", "slashed name"),
            ("plain/name", "plain"),
            ("~1", "no pointer"),
        ],
    )
    def test_a_name_with_a_slash_before_it_is_a_json_pointer(self, pointer: str, found: str) -> None:
        google = {
            "api_key": "nested",
            "keys": [{}, {"text": "in a list"}],
            "a/b": "with a slash",
            "m~n": "with a tilde",
        }
        google |= {"~1": "an escape undone once", "": "empty"}
        document = {"google": google, "/x": "slashed name", "plain/name": "plain", "~1": "no pointer"}
        assert extract_field(json.dumps(document), pointer, "vault") == found

    def test_a_list_at_the_top_is_reached_by_a_pointer_alone(self) -> None:
        assert extract_field(f'["x", "{SECRET}"]', "/1", "vault") == SECRET
        with pytest.raises(InvalidSecret, match="JSON object"):
            extract_field(f'["x", "{SECRET}"]', "1", "vault")

    @pytest.mark.parametrize(
        ("pointer", "reason"),
        [
            ("/x", "no field '/x'; its fields are: /x, google"),
            ("/google/apikey", "no field '/google/apikey'; its fields at '/google' are: api_key, list"),
            ("/google/api_key/0", "at '/google/api_key' is str, without fields"),
            ("/google/list/2", "at '/google/list' is a list of 2"),
            ("/google/list/-", "at '/google/list' is a list of 2"),
            ("/google/list/01", "at '/google/list' is a list of 2"),
            ("/google/list/0", "has int, not text, in the field '/google/list/0'"),
            ("/google", "has dict, not text, in the field '/google'"),
        ],
    )
    def test_a_pointer_that_leads_nowhere_names_the_fields_on_its_way(self, pointer: str, reason: str) -> None:
        text = json.dumps({"google": {"api_key": SECRET, "list": [1, SECRET]}, "/x": SECRET})
        with pytest.raises(InvalidSecret, match=reason) as caught:
            extract_field(text, pointer, "vault")
        assert SECRET not in str(caught.value)

    @given(
        st.recursive(
            st.text(), lambda inner: st.dictionaries(st.text(), inner, min_size=1) | st.lists(inner, min_size=1)
        )
    )
    def test_each_text_in_a_document_has_a_pointer(self, document: object) -> None:
        for pointer, text in pointers(document):
            assert extract_field(json.dumps(document), pointer, "vault") == text

    def test_lists_ten_fields_at_most(self) -> None:
        text = "{" + ", ".join(f'"f{n:02}": 1' for n in range(30)) + "}"
        with pytest.raises(InvalidSecret, match="f08, f09") as caught:
            extract_field(text, "api_key", "vault")
        assert "f10" not in str(caught.value)


def pointers(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Return each text inside a JSON document with the pointer to it, except the document itself."""
    if isinstance(value, str):
        yield from [(path, value)] if path else []
        return
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in members:
        yield from pointers(inner, f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}")
