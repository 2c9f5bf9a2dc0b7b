"""What leaves with an export of the log: a verifier that stands alone."""
