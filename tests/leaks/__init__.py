"""The search for keys in all that is logged and printed: see `plugin`."""
