"""The demo: keys rotate in four stores on loopback, while one client sends requests."""
