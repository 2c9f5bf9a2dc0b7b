"""The log: what is recorded, in which order, and how it is read back."""
