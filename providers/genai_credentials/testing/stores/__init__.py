"""Fakes of the secret managers on loopback."""
