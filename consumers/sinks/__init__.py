"""Where records are delivered: one small file for each kind of receiver."""
