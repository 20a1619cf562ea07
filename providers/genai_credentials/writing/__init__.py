"""Writes of a key to a store: a document is edited in its text, a file is replaced as a whole, a version is added."""
