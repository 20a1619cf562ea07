"""Stock clients of Secret Manager for the emulator."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from genai_credentials.testing.servers import missing

if TYPE_CHECKING:
    from google.cloud import secretmanager_v1 as sm

__all__ = ["grpc_client", "require_google", "rest_client"]

# Requests to loopback must not go to a proxy that the environment names. Channels with equal arguments would share one
# connection, and `peers` would have only one address for them.
_CHANNEL_OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))


def require_google() -> None:
    """Check that the extra is installed. Raises an `ImportError` with its name if not."""
    try:
        for module in ("grpc", "google.cloud.secretmanager_v1"):
            importlib.import_module(module)
    except ImportError as error:
        raise missing("google", error) from error


def grpc_client(target: str) -> sm.SecretManagerServiceClient:
    """Return a stock client with its own connection."""
    require_google()
    import grpc
    from google.cloud import secretmanager_v1
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceGrpcTransport,
    )

    channel = grpc.insecure_channel(target, _CHANNEL_OPTIONS)
    return secretmanager_v1.SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


def rest_client(target: str) -> sm.SecretManagerServiceClient:
    """Return a stock client over REST."""
    require_google()
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import secretmanager_v1
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceRestTransport,
    )

    nobody: Any = AnonymousCredentials  # google-auth has no annotations
    transport = SecretManagerServiceRestTransport(host=target, credentials=nobody(), url_scheme="http")
    return secretmanager_v1.SecretManagerServiceClient(transport=transport)
