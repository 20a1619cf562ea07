"""`PydanticField`: lets a field of a pydantic model or of pydantic settings be a `CredentialProvider`."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any, Self

from genai_credentials.errors import ConfigurationError, CredentialsError
from genai_credentials.sealing import sealed_call


class PydanticField:
    """A class that pydantic accepts as the type of a field. The value is a text of URIs, or a provider."""

    @classmethod
    @abstractmethod
    def from_uris(cls, *uris: str) -> Self:
        """Make a provider from URIs."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: Any) -> Any:
        """Return the schema of such a field: a text in the form of `GENAI_CREDENTIALS`, or a provider."""
        from pydantic_core import core_schema

        shown = core_schema.to_string_ser_schema(when_used="json-unless-none")
        validated = partial(cls._validated, handler.field_name or cls.__name__)
        return core_schema.no_info_plain_validator_function(validated, serialization=shown)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        """Return the JSON schema of such a field: a text."""
        return {"type": "string", "description": "URIs of the providers of an API key, separated by white space."}

    @classmethod
    @sealed_call
    def _validated(cls, field: str, value: object) -> Self:
        if isinstance(value, cls):
            return value
        try:
            if isinstance(value, str):
                return cls.from_uris(*(value.split() or ["env:"]))
            problem = CredentialsError(
                f"{field}: the URIs of a provider are one text, not {type(value).__name__}.",
                remedy='Write the URIs with spaces in between: "env: file:/run/secrets/gemini".',
            )
        except ConfigurationError as error:
            problem = CredentialsError(f"{field}: {error.message}", remedy=error.remedy)
        # Not a ValueError, although a union then ends here: pydantic prints the input of a ValueError, once per type of
        # the union. The input may be a key in the wrong place.
        raise problem
