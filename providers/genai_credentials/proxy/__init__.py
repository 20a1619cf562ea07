"""`genai-credentials proxy`: a reverse proxy on loopback that puts the current key into requests; extra `[proxy]`."""
