"""The demo: keys that rotate in four stores on loopback, under a running client."""
