"""How a key is put into a store: a document is edited in place, a file is replaced whole, a version is added."""
