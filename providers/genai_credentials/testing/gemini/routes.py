"""The table of the fake Gemini API: which function answers which path."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import unquote

from genai_credentials.testing.gemini import answers, interactions, openai
from genai_credentials.testing.gemini.call import Call, Uploads, not_found
from genai_credentials.testing.gemini.wire import Answer, RecordedRequest

Route: TypeAlias = Callable[[Call], Answer]

_VERSIONED = re.compile(r"/(upload/)?v1(?:beta1?|alpha)?/(.*)$")


def answer(request: RecordedRequest, uploads: Uploads) -> Answer:
    """Return the answer to a request whose key is good."""
    match = _VERSIONED.search(request.path)
    if match is None:
        return not_found(request.path)
    path = match[2]
    if match[1]:
        return uploads.start(request, path)
    shape, names = _shape(path)
    route = ROUTES.get(f"{request.method} {path}") or ROUTES.get(f"{request.method} {shape}")
    return route(Call(request, path, names, uploads)) if route else not_found(path)


def _shape(path: str) -> tuple[str, list[str]]:
    """Return the path with a star for each name, and the names. A name is every second part."""
    # Three paths are exceptions: a model of the paths for OpenAI's clients, the operation of an upload, and a file in
    # an environment, whose name is a path.
    if path.startswith("openai/models/"):
        return "openai/models/*", [unquote(path.removeprefix("openai/models/"))]
    regular = path.replace("/upload/operations/", "/operations/")
    parts = regular.split("/", 3 if path.startswith("environments/") else -1)
    names: list[str] = []
    for index in range(1, len(parts), 2):
        name, colon, verb = parts[index].rpartition(":")
        names.append(name if colon else verb)
        parts[index] = f"*:{verb}" if colon else "*"
    return "/".join(parts), names


def _model_verbs(prefix: str) -> dict[str, Route]:
    return {
        f"POST {prefix}:generateContent": answers.generate,
        f"POST {prefix}:streamGenerateContent": answers.stream,
        f"POST {prefix}:embedContent": answers.embed,
        f"POST {prefix}:batchEmbedContents": answers.embed_batch,
        f"POST {prefix}:countTokens": answers.count,
        f"POST {prefix}:predict": answers.predict,
        f"POST {prefix}:predictLongRunning": answers.predict_later,
        f"POST {prefix}:fetchPredictOperation": answers.operation,
    }


def _named(kind: str) -> dict[str, Route]:
    return {
        f"GET {kind}": answers.listing,
        f"POST {kind}": answers.create,
        f"GET {kind}/*": answers.resource,
        f"PATCH {kind}/*": answers.resource,
        f"DELETE {kind}/*": answers.empty,
    }


def _with_id(kind: str) -> dict[str, Route]:
    return {
        f"GET {kind}": answers.items,
        f"POST {kind}": answers.create_item,
        f"GET {kind}/*": answers.item,
        f"PATCH {kind}/*": answers.item,
        f"DELETE {kind}/*": answers.empty,
    }


ROUTES: dict[str, Route] = {
    "GET models": answers.models,
    "GET models/*": answers.model,
    "PATCH models/*": answers.model,
    "DELETE models/*": answers.empty,
    "GET models/*/operations/*": answers.video,
    "POST models/*:batchGenerateContent": answers.create_batch,
    "POST models/*:asyncBatchEmbedContent": answers.create_batch,
    **_model_verbs("models/*"),
    # Express mode of the enterprise platform
    "GET publishers/*/models": answers.models,
    "GET publishers/*/models/*": answers.model,
    **_model_verbs("publishers/*/models/*"),
    "GET batches": answers.batches,
    "GET batches/*": answers.batch,
    "POST batches/*:cancel": answers.empty,
    "DELETE batches/*": answers.empty,
    "GET tunedModels": answers.models,
    "POST tunedModels": answers.tune,
    "GET tunedModels/*": answers.tuned,
    "PATCH tunedModels/*": answers.tuned,
    "DELETE tunedModels/*": answers.empty,
    "POST tunedModels/*:cancel": answers.empty,
    "GET tunedModels/*/operations/*": answers.operation,
    **_model_verbs("tunedModels/*"),
    "GET files": answers.files,
    "POST files:register": answers.register,
    "GET files/*": answers.file,
    "DELETE files/*": answers.delete_file,
    "GET files/*:download": answers.media,
    **_named("cachedContents"),
    **_named("fileSearchStores"),
    "POST fileSearchStores/*:importFile": answers.begin,
    "GET fileSearchStores/*/operations/*": answers.operation,
    "GET fileSearchStores/*/media/*": answers.media,
    **_named("fileSearchStores/*/documents"),
    "POST auth_tokens": answers.auth_token,
    "POST interactions": interactions.create,
    "GET interactions/*": interactions.get,
    "DELETE interactions/*": answers.empty,
    "POST interactions/*/cancel": interactions.get,
    "POST interactions/*/auth_tokens": interactions.token,
    "DELETE interactions/*/auth_tokens/*": answers.empty,
    **_with_id("agents"),
    **_with_id("credentials"),
    **_with_id("environments"),
    "GET environments/*/files/*": answers.environment_file,
    **_with_id("triggers"),
    "GET triggers/*/executions": answers.items,
    "POST triggers/*/executions": answers.create_item,
    **_with_id("voices"),
    **_with_id("webhooks"),
    "POST webhooks/*:ping": answers.empty,
    "POST webhooks/*:rotateSigningSecret": answers.signing_secret,
    "POST decisions": answers.decide,
    "POST openai/chat/completions": openai.chat,
    "POST openai/embeddings": openai.embeddings,
    "POST openai/images/generations": openai.images,
    "GET openai/models": openai.models,
    "GET openai/models/*": openai.model,
}
"""The method and the path, with a star for each name, to the function that answers."""
