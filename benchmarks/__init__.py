"""Measurements. `python -m benchmarks` prints a table and writes `benchmarks/results/latest.json`."""
