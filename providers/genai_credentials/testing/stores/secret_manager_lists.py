"""Pages and filters of Secret Manager's lists."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.list_filter import matches

__all__ = ["page_of"]

_LARGEST_PAGE = 25_000


def page_of(request: Any, kind: type[Any], items: Sequence[Any]) -> tuple[list[Any], str, int]:
    """Return a page of a list, the token of the next page, and the number of all items.

    If a filter is set, that number is 0, as in the answers of the service.

    Args:
        request: A request with `parent`, `page_size`, `page_token` and `filter`.
        kind: The class of the items.
        items: All items, in order.

    Raises:
        RefusedError: The filter, the size or the token is invalid; its code is INVALID_ARGUMENT.
    """
    if request.page_size < 0:
        raise RefusedError("INVALID_ARGUMENT", f"The page size {request.page_size} is negative.")
    test = matches(request.filter, frozenset(kind.meta.fields))
    items = [item for item in items if test(_document(item))] if request.filter else items
    start = _position(request)
    end = start + min(request.page_size or _LARGEST_PAGE, _LARGEST_PAGE)
    token = _token(request, end) if end < len(items) else ""
    return list(items[start:end]), token, 0 if request.filter else len(items)


def _document(item: Any) -> dict[str, Any]:
    from google.protobuf.json_format import MessageToDict

    document: dict[str, Any] = MessageToDict(type(item).pb(item), preserving_proto_field_name=True)
    return document


def _token(request: Any, position: int) -> str:
    content = json.dumps([request.parent, request.filter, position]).encode()
    return base64.urlsafe_b64encode(content).decode()


def _position(request: Any) -> int:
    if not request.page_token:
        return 0
    try:
        parent, wanted, position = json.loads(base64.urlsafe_b64decode(request.page_token))
    except (TypeError, ValueError):
        parent, wanted, position = None, None, 0
    # A token is valid only for the same list and the same filter.
    if (parent, wanted) != (request.parent, request.filter):
        raise RefusedError("INVALID_ARGUMENT", "The page token does not belong to this list.")
    return int(position)
