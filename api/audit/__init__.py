"""`/audit/…`: the log, read by programs over HTTP. Nothing here runs on the path of an exchange."""
