"""The secret managers on loopback."""
