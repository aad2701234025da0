"""Performance as ratios to a named baseline in the same run: ``python -m tests.bench NAME``."""
