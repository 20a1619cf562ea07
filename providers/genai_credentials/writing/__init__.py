"""Writes a key to a store. A document is edited in its text, a file is replaced as a whole, a version is added."""
