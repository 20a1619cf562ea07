"""A chain of three stores behind one client that lives as long as the process."""

import asyncio

from genai_credentials import AWSSecretsManager, CredentialProvider, Env, GoogleSecretManager


async def asynchronously(client, ask):
    async with client.aio as aio:
        return await aio.models.generate_content(**ask)


def run(base_url, google_client, aws_client, rotate):
    credentials = CredentialProvider(
        Env(),
        GoogleSecretManager("projects/acme/secrets/gemini-api-key", client=google_client),
        AWSSecretsManager("prod/gemini", client=aws_client),
    )
    client = credentials.client(http_options={"base_url": base_url})
    ask = {"model": "gemini-2.5-flash", "contents": "ping"}
    print("sync:    ", client.models.generate_content(**ask).text, credentials.get())
    rotate("environment")
    print("sync:    ", client.models.generate_content(**ask).text, credentials.get())
    rotate("google")
    print("async:   ", asyncio.run(asynchronously(client, ask)).text, credentials.get())
    rotate("aws")
    print("streamed:", "".join(part.text for part in client.models.generate_content_stream(**ask)), credentials.get())
    client.close()
    credentials.close()
