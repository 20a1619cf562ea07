"""Messages of brokers about a changed secret: parsing, and matching with the links of a chain.

No I/O, no log record.
"""
