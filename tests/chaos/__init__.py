"""Chaos: forks, signals, hanging stores, replicas that disagree; see `__main__` for how to run it."""
