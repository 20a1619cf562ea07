"""Sessions of boto3 that share the data files of botocore. Without that, a client takes 8 MB and 60 ms (measured)."""

from __future__ import annotations

from functools import cache
from typing import Any

from genai_credentials.provider import import_extra


def new_session(region: str | None) -> Any:
    """Return a new session of boto3.

    The default session of boto3 is not used, because the application uses it too and it is not thread-safe.

    Args:
        region: The region of the session; None means that boto3 finds the region.

    Raises:
        MissingDependency: boto3 is not installed.
    """
    make = import_extra("boto3.session", "aws").Session
    core = import_extra("botocore.session", "aws").get_session()
    loader = _loader(core.get_config_variable("data_path"))
    core.register_component("data_loader", loader)
    session = make(botocore_session=core, region_name=region)
    # Each session adds the path of boto3 to the list.
    loader.search_paths[:] = dict.fromkeys(loader.search_paths)
    return session


@cache
def _loader(data_path: str | None) -> Any:
    """Return the loader for a search path. It keeps each file that it read: endpoints, partitions, service models."""
    return import_extra("botocore.loaders", "aws").create_loader(data_path)
