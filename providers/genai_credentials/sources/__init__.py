"""The built-in providers, one module each. A module is imported when its provider is first used."""
