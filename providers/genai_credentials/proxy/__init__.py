"""`genai-credentials proxy`: a reverse proxy on loopback that adds the current key to requests; extra `[proxy]`."""
