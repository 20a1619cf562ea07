"""The shapes that an answer of the API is told in: by PHP, Ruby, .NET, Rust, shells, pages and people."""

from __future__ import annotations

import html
import json

from .answers import KEY, SERVICE, URL, Answer
from .forms import camel


def guzzle(answer: Answer) -> str:
    return (
        f"[2026-03-04 04:05:06] production.ERROR: Client error: `POST {URL}` resulted in a `{answer.status} {answer.phrase}` response:\n"
        f'{answer.body()[:230]} (truncated...)\n {{"exception":"[object] (GuzzleHttp\\\\Exception\\\\ClientException(code: {answer.status}))"}}'
    )


def ruby(answer: Answer) -> str:
    return f"the server responded with status {answer.status} (Faraday::ClientError)\n{answer.error!r}".replace(
        "': ", '"=>'
    ).replace("'", '"')


def dotnet(answer: Answer) -> str:
    return f'Grpc.Core.RpcException: Status(StatusCode="{camel(answer)}", Detail="{answer.message}")\n   at Google.Api.Gax.Grpc.ApiCallRetryExtensions'


def dotnet_http(answer: Answer) -> str:
    return f"Microsoft.SemanticKernel.HttpOperationException: Response status code does not indicate success: {answer.status} ({answer.phrase}).\nResponse content: {answer.body()}"


def rust(answer: Answer) -> str:
    return f"Error: HttpError: Invalid status code {answer.status} {answer.phrase} with message: {json.dumps(answer.body())}"


def dart(answer: Answer) -> str:
    return f"Unhandled Exception: GenerativeAIException: {answer.message}\n#0      ApiClient._parse (package:google_generative_ai/src/client.dart:103:5)"


def swift(answer: Answer) -> str:
    return f'GoogleGenerativeAI.GenerateContentError.internalError(underlying: GoogleGenerativeAI.RPCError(httpResponseCode: {answer.status}, message: "{answer.message}", status: GoogleGenerativeAI.RPCStatus.{camel(answer)}))'


def apps_script(answer: Answer) -> str:
    return f"Exception: Request failed for https://{SERVICE} returned code {answer.status}. Truncated server response: {answer.body()[:400]} (use muteHttpExceptions option to examine full response)"


def powershell(answer: Answer) -> str:
    lines = "\n".join(f"     | {line}" for line in answer.body().splitlines())
    return f"Invoke-RestMethod: \nLine |\n   4 |  Invoke-RestMethod -Method Post -Uri $uri\n     |  ~~~~~~~~~~~~~~~~~\n{lines}"


def curl(answer: Answer) -> str:
    return f"HTTP/2 {answer.status}\nvary: Origin\ncontent-type: application/json; charset=UTF-8\nserver: scaffolding on HTTPServer2\ncontent-length: 404\n\n{answer.body()}"


def curl_verbose(answer: Answer) -> str:
    return (
        f"*   Trying 203.0.113.7:443...\n> POST /v1beta/models/gemini-2.5-flash:generateContent?key={KEY} HTTP/2\n> Host: {SERVICE}\n"
        f"> User-Agent: curl/8.5.0\n>\n< HTTP/2 {answer.status}\n< content-type: application/json\n<\n{answer.body()}\n* Connection #0 to host {SERVICE} left intact"
    )


def html_escaped(answer: Answer) -> str:
    return f'<div class="alert"><b>Gemini error</b><pre>{html.escape(answer.body())}</pre></div>'


def markdown(answer: Answer) -> str:
    return f"### Error output\n```json\n{answer.body()}\n```\nDoes somebody know this? My key ends in 4045."


def message_alone(answer: Answer) -> str:
    return answer.message


def toast(answer: Answer) -> str:
    return f"Gemini: {answer.message}"


def chinese(answer: Answer) -> str:
    return f"请求失败，状态码：{answer.status}，错误信息：{answer.message}"


def body_alone(answer: Answer) -> str:
    return answer.body()


def list_alone(answer: Answer) -> str:
    return f"[{answer.body()}\n]"


def retries_and_giving_up(answer: Answer) -> str:
    lines = [
        f"WARNING attempt {number}/3 failed: {answer.status} {answer.message}; next in {number * 2} s"
        for number in (1, 2, 3)
    ]
    return "\n".join([*lines, "ERROR giving up after 3 attempts (4.29 s)", "INFO worker 503 restarts"])


def home_assistant(answer: Answer) -> str:
    return f"Logger: homeassistant.components.google_generative_ai_conversation\nFirst occurred: 04:05:06 (4 occurrences)\n\nError sending message: <class 'google.genai.errors.ClientError'> {answer.status} {answer.code}. {answer.error}"
