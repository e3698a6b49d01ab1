"""How fast jaxconv is beside others: `python -m benchmarks`."""
