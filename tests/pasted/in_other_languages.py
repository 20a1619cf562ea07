"""The shapes that an answer of the API is told in: by JavaScript, Go and Java."""

from __future__ import annotations

import json

from .answers import SERVICE, URL, Answer
from .forms import camel, compact
from .in_python import json_in_json

# JavaScript


def node_sdk(answer: Answer) -> str:
    return (
        f"[GoogleGenerativeAI Error]: Error fetching from {URL}: [{answer.status} {answer.phrase}] {answer.message} "
        f"{compact(answer)}\n    at handleResponseNotOk (/app/node_modules/@google/generative-ai/dist/index.js:432:11)\n"
        "    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)"
    )


def node_inspect(answer: Answer) -> str:
    details = (
        f"[ {{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: '{answer.reason}', domain: 'googleapis.com', metadata: [Object] }} ]"
        if answer.reason
        else "undefined"
    )
    return (
        f"GoogleGenerativeAIFetchError: [GoogleGenerativeAI Error]: {answer.message}\n    at async Object.ask (file:///app/ai.mjs:41:20) {{\n"
        f"  status: {answer.status},\n  statusText: '{answer.phrase}',\n  errorDetails: {details}\n}}"
    )


def js_genai(answer: Answer) -> str:
    return f"ApiError: {answer.body(None)}\n    at throwErrorIfNotOK (file:///app/node_modules/@google/genai/dist/node/index.mjs:11403:30) {{\n  status: {answer.status}\n}}"


def axios(answer: Answer) -> str:
    return (
        f"AxiosError: Request failed with status code {answer.status}\n    at settle (node_modules/axios/lib/core/settle.js:19:12) {{\n"
        f"  code: 'ERR_BAD_REQUEST',\n  response: {{\n    status: {answer.status},\n    statusText: '{answer.phrase}',\n    data: {{\n"
        f"      error: {{\n        code: {answer.status},\n        message: {answer.message!r},\n        status: '{answer.code}',\n"
        "        details: [Array]\n      }\n    }\n  }\n}"
    )


def vercel_ai(answer: Answer) -> str:
    return (
        f"AI_APICallError: {answer.message}\n    at async fn (webpack:///@ai-sdk/google) {{\n  cause: undefined,\n  url: '{URL}',\n"
        f"  statusCode: {answer.status},\n  responseBody: {json.dumps(answer.body())},\n  isRetryable: false,\n  [Symbol(vercel.ai.error)]: true\n}}"
    )


def gemini_cli(answer: Answer) -> str:
    return f"✕ [API Error: {answer.message} (Status: {answer.code})]"


def gemini_cli_boxed(answer: Answer) -> str:
    text = f"✕ [API Error: {json_in_json(answer)}]"
    lines = [text[start : start + 70] for start in range(0, len(text), 70)]
    return "\n".join(f"│ {line:<70} │" for line in lines)


def n8n(answer: Answer) -> str:
    return json.dumps(
        {"errorMessage": "Bad request - please check your parameters", "errorDescription": answer.message, "errorDetails": {
            "rawErrorMessage": [f"{answer.status} - {json.dumps(answer.body())}"], "httpCode": str(answer.status)},
         "n8nDetails": {"nodeName": "Gemini", "nodeType": "@n8n/n8n-nodes-langchain.googleGemini", "time": "3/4/2026, 4:05:06 AM",
                        "n8nVersion": "1.104.2 (Cloud)"}}, indent=2)  # fmt: skip


# Go


def googleapi(answer: Answer) -> str:
    details = f"\nDetails:\n{json.dumps(answer.details, indent=2)}" if answer.reason else ""
    return f"2026/03/04 04:05:06 main.go:404: googleapi: Error {answer.status}: {answer.message}{details}"


def go_genai(answer: Answer) -> str:
    maps = " ".join(
        f"map[@type:type.googleapis.com/google.rpc.ErrorInfo domain:googleapis.com metadata:map[service:{SERVICE}] reason:{answer.reason}]"
        for _ in answer.details[:1]
    )
    return f"panic: Error {answer.status}, Message: {answer.message}, Status: {answer.code}, Details: [{maps}]\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:42 +0x1d4"


def go_grpc(answer: Answer) -> str:
    info = (
        f"\nerror details: name = ErrorInfo reason = {answer.reason} domain = googleapis.com metadata = map[service:{SERVICE}]"
        if answer.reason
        else ""
    )
    return f"rpc error: code = {camel(answer)} desc = {answer.message}{info}"


def zap(answer: Answer) -> str:
    return json.dumps(
        {
            "level": "error",
            "ts": 1772596806.4291,
            "caller": "chat/gemini.go:403",
            "msg": "generate",
            "error": go_grpc(answer),
        }
    )


# Java, Kotlin, Scala


def java_genai(answer: Answer) -> str:
    kind = "ServerException" if answer.status >= 500 else "ClientException"
    return f'Exception in thread "main" com.google.genai.errors.{kind}: {answer.status} . {answer.message}\n\tat com.google.genai.errors.ApiException.throwFromResponse(ApiException.java:94)'


def java_grpc(answer: Answer) -> str:
    return (
        f"com.google.api.gax.rpc.{camel(answer)}Exception: io.grpc.StatusRuntimeException: {answer.code}: {answer.message}\n"
        "\tat com.google.api.gax.rpc.ApiExceptionFactory.createException(ApiExceptionFactory.java:92)\n"
        f"Caused by: io.grpc.StatusRuntimeException: {answer.code}: {answer.message}\n\t... 14 more"
    )


def spring(answer: Answer) -> str:
    body = answer.body().replace("\n", "<EOL>")
    return f'org.springframework.web.client.HttpClientErrorException${answer.phrase.replace(" ", "")}: {answer.status} {answer.phrase}: "{body}"'


def spring_ai(answer: Answer) -> str:
    return f"org.springframework.ai.retry.NonTransientAiException: HTTP {answer.status} - [{answer.body()}\n]\n\tat org.springframework.ai.retry.RetryUtils"


def ktor(answer: Answer) -> str:
    return f'io.ktor.client.plugins.ClientRequestException: Client request(POST {URL}) invalid: {answer.status} {answer.phrase}. Text: "{answer.body()}"'


def android(answer: Answer) -> str:
    return f"com.google.ai.client.generativeai.type.ServerException: {answer.message}\n    at com.google.ai.client.generativeai.common.APIControllerKt.validateResponse(APIController.kt:172)"
