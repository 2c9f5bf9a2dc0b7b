"""The demonstration: one employee's token travels, narrower at each hop, and dies with its root."""
