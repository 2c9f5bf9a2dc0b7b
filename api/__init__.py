"""The HTTP surface, the command line, settings, keys, and the one table from refusal to HTTP error."""
