"""A field of a pydantic model, or of its settings, that is a `CredentialProvider`."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any, Self

from genai_credentials.errors import ConfigurationError, CredentialsError
from genai_credentials.sealing import sealed_call


class PydanticField:
    """Reads the text of `GENAI_CREDENTIALS` in a field, and takes a provider as it is."""

    @classmethod
    @abstractmethod
    def from_uris(cls, *uris: str) -> Self:
        """A provider chain from its text form."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: Any) -> Any:
        """A field of a pydantic model, or its settings: the text of `GENAI_CREDENTIALS`, or a provider as it is."""
        from pydantic_core import core_schema

        shown = core_schema.to_string_ser_schema(when_used="json-unless-none")
        validated = partial(cls._validated, handler.field_name or cls.__name__)
        return core_schema.no_info_plain_validator_function(validated, serialization=shown)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        """That field in a JSON schema: a text."""
        return {"type": "string", "description": "URIs of the providers of an API key, with white space between."}

    @classmethod
    @sealed_call
    def _validated(cls, field: str, value: object) -> Self:
        if isinstance(value, cls):
            return value
        try:
            if isinstance(value, str):
                return cls.from_uris(*(value.split() or ["env:"]))
            problem = CredentialsError(
                f"{field}: a provider's URIs are one text, not {type(value).__name__}.",
                remedy='Write them with spaces in between: "env: file:/run/secrets/gemini".',
            )
        except ConfigurationError as error:
            problem = CredentialsError(f"{field}: {error.message}", remedy=error.remedy)
        # No ValueError, even if it ends a union: pydantic would print it with the input, once for each kind of the
        # union, and that may be a key, pasted in the wrong place.
        raise problem
