"""The built-in providers, a module each; none is imported before it is used."""
