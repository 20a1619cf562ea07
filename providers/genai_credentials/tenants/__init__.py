"""Many keys in one process: a provider per tenant, made on first use, and clients that share their connections."""
