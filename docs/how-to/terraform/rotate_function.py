"""The function: rotates when the secret's message says that it is due."""

import functions_framework

from genai_credentials.rotate.secret_rotate import handle


@functions_framework.cloud_event
def rotate(event):
    """Called with each message of the topic; an error has it delivered again."""
    message = event.data["message"]
    handle(message.get("attributes", {}), message["messageId"])
