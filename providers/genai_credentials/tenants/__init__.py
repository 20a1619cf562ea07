"""Many keys in one process: one provider per tenant, made on first use, and clients that share their connections."""
