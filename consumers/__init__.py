"""From the log to the SIEM: what publishes, what delivers, and the shapes in which it travels."""
