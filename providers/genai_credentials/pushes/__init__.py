"""What brokers deliver when a secret changes: read, and matched with the links of a chain. No I/O, no log record."""
