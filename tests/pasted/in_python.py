"""The shapes that an answer of the API is told in: by Python's SDKs, frameworks and logs."""

from __future__ import annotations

import json
import textwrap

from .answers import URL, Answer
from .forms import boxed, camel, rows


def sdk(answer: Answer) -> str:
    kind = "ServerError" if answer.status >= 500 else "ClientError"
    return f"google.genai.errors.{kind}: {answer.status} {answer.code}. {answer.error}"


def traceback(answer: Answer) -> str:
    return (
        'Traceback (most recent call last):\n  File "/srv/app/main.py", line 412, in answer\n'
        "    reply = client.models.generate_content(model=MODEL, contents=prompt)\n"
        '  File "/venv/lib/python3.12/site-packages/google/genai/errors.py", line 404, in raise_for_response\n'
        f"    raise ClientError(status_code, response_json, response)\n{sdk(answer)}\n"
    )


def rich_traceback(answer: Answer) -> str:
    return boxed(traceback(answer).replace("Traceback (most recent call last):", "Traceback")) + "\n" + sdk(answer)


def rich_panel(answer: Answer) -> str:
    return boxed(f"Error: {sdk(answer)}", 60)


def chained(answer: Answer) -> str:
    return (
        f"{traceback(answer)}\nThe above exception was the direct cause of the following exception:\n\n"
        'Traceback (most recent call last):\n  File "/srv/app/chat.py", line 88, in ask\n'
        "    raise ChatError('the model could not be reached') from error\nChatError: the model could not be reached\n"
    )


def api_core(answer: Answer) -> str:
    return f"google.api_core.exceptions.{camel(answer)}: {answer.status} {answer.message}{rows(answer)}"


def api_core_rest(answer: Answer) -> str:
    name = answer.phrase.replace(" ", "")
    return f"google.api_core.exceptions.{name}: {answer.status} POST {URL}?%24alt=json%3Benum-encoding%3Dint: {answer.message}"


def grpc_python(answer: Answer) -> str:
    return (
        "grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with:\n"
        f'\tstatus = StatusCode.{answer.code}\n\tdetails = "{answer.message}"\n'
        '\tdebug_error_string = "UNKNOWN:Error received from peer ipv4:203.0.113.7:443 '
        f'{{grpc_message:"{answer.message}", grpc_status:3}}"\n>'
    )


def langchain(answer: Answer) -> str:
    return (
        "langchain_google_genai.chat_models.ChatGoogleGenerativeAIError: Invalid argument provided to Gemini: "
        f"{answer.status} {answer.message}{rows(answer)}"
    )


def langchain_retry(answer: Answer) -> str:
    line = (
        "Retrying langchain_google_genai.chat_models._chat_with_retry.<locals>._chat_with_retry in SECONDS seconds as it raised "
        f"{camel(answer)}: {answer.status} {answer.message}{rows(answer)}.\n"
    )
    return "".join(line.replace("SECONDS", seconds) for seconds in ("2.0", "4.0", "8.0"))


def litellm(answer: Answer) -> str:
    kind = {400: "BadRequestError", 401: "AuthenticationError", 403: "PermissionDeniedError", 404: "NotFoundError",
            429: "RateLimitError", 500: "InternalServerError", 503: "ServiceUnavailableError"}[answer.status]  # fmt: skip
    return f"litellm.{kind}: GeminiException - {answer.body()}\n Using raw output instead."


def litellm_proxy(answer: Answer) -> str:
    message = (
        f"litellm.AuthenticationError: geminiException - {answer.body()}. Received Model Group=gemini\nFallbacks=None"
    )
    inner = {"error": {"message": message, "type": None, "param": None, "code": str(answer.status)}}
    return f"openai.APIStatusError: Error code: {answer.status} - {inner}"


def openai_list(answer: Answer) -> str:
    kind = {400: "BadRequestError", 401: "AuthenticationError", 403: "PermissionDeniedError", 404: "NotFoundError",
            429: "RateLimitError"}.get(answer.status, "InternalServerError")  # fmt: skip
    return f"openai.{kind}: Error code: {answer.status} - [{answer.error}]"


def pydantic_ai(answer: Answer) -> str:
    return f"pydantic_ai.exceptions.ModelHTTPError: status_code: {answer.status}, model_name: gemini-2.5-flash, body: {answer.error}"


def instructor(answer: Answer) -> str:
    return (
        f'instructor.core.exceptions.InstructorRetryException: <failed_attempts>\n\n<generation number="1">\n<exception>\n'
        f"    {answer.status} {answer.code}. {answer.error}\n</exception>\n<completion>\n    None\n</completion>\n"
        f"</generation>\n\n</failed_attempts>\n\n<last_exception>\n    {answer.status} {answer.code}. {answer.error}\n</last_exception>"
    )


def pytest_output(answer: Answer) -> str:
    body = "\n".join(f"E   {line}" for line in textwrap.wrap(sdk(answer), 90))
    return (
        f"    def test_answer():\n>       ask('hi')\n\n{body}\n\ntests/test_chat.py:404: ClientError\n1 failed in 4.29s"
    )


def json_log(answer: Answer) -> str:
    return json.dumps(
        {"severity": "ERROR", "time": "2026-03-04T04:05:06.429Z", "logger": "app", "message": "request failed",
         "exc_info": traceback(answer)}
    )  # fmt: skip


def json_log_twice(answer: Answer) -> str:
    return json.dumps({"log": json_log(answer) + "\n", "stream": "stderr", "time": "2026-03-04T04:05:06.401Z"})


def logfmt(answer: Answer) -> str:
    return f'time=2026-03-04T04:05:06Z level=error msg="generate failed" attempt=3 err={json.dumps(sdk(answer))}'


def access_log_after(answer: Answer) -> str:
    return (
        f"ChatModelError: {answer.status} {answer.message}\n"
        'INFO:     10.0.0.7:51403 - "POST /ask HTTP/1.1" 500 Internal Server Error\n'
        '10.0.0.7 - - [04/Mar/2026:04:05:06 +0000] "GET /health HTTP/1.1" 200 15\n'
    )


def wrapped_by_fastapi(answer: Answer) -> str:
    return f"HTTP 500 Internal Server Error: {json.dumps({'detail': f'Gemini call failed: {answer.status} {answer.code}. {answer.error}'})}"


def compose(answer: Answer) -> str:
    return "\n".join(f"backend-1   | {line}" for line in traceback(answer).splitlines())


def journal(answer: Answer) -> str:
    return "\n".join(f"Mar 04 04:05:06 web-7 gunicorn[4291]: {line}" for line in traceback(answer).splitlines())


def numbered(answer: Answer) -> str:
    return "\n".join(f"{number:4} {line}" for number, line in enumerate(textwrap.wrap(sdk(answer), 88), 398))


def quoted(answer: Answer) -> str:
    return "Same here, with the newest version:\n\n" + "\n".join(f"> {line}" for line in traceback(answer).splitlines())


def colours(answer: Answer) -> str:
    return f"\x1b[31m\x1b[1mERROR\x1b[0m \x1b[90mapp.chat\x1b[0m \x1b[38;5;196m{answer.status} {answer.code}\x1b[0m {answer.message}"


def cut_short(answer: Answer) -> str:
    text = sdk(answer)
    return text[: text.index(answer.message) + len(answer.message)] + "..."


def json_in_json(answer: Answer) -> str:
    return json.dumps({"error": {"message": answer.body() + "\n", "code": answer.status, "status": answer.phrase}})


def json_in_json_twice(answer: Answer) -> str:
    return json.dumps(
        {"message": json_in_json(answer), "status": answer.status, "modelId": "gemini-3-pro", "providerId": "gemini"}
    )
