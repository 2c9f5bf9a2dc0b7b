"""How the stream fails where an operator has to change something; outages of Kafka have exceptions of their own."""

from __future__ import annotations


class StreamMisconfigured(Exception):
    """A setting, a topic, a file or a right has to be changed first. The text names it and says what to do."""
