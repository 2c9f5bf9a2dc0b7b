"""What the figures should reach. It is printed, never asserted: a busy machine fails no build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure and its bound."""

    name: str
    way: Literal["at least", "at most"]
    bound: float

    def verdict(self, figure: float) -> str:
        """In words."""
        met = figure >= self.bound if self.way == "at least" else figure <= self.bound
        return f"{self.way} {self.bound:g}: {'met' if met else 'NOT MET'}"


BARS: Final = (
    Bar("exchange_cold_vs_floor", "at least", 0.60),
    Bar("exchange_warm_vs_floor", "at least", 0.90),
    Bar("exchange_cold_vs_floor_c64", "at least", 0.75),
    Bar("exchange_warm_vs_floor_c64", "at least", 1.3),
    Bar("introspect_vs_floor", "at least", 1.5),
    Bar("exchange_cold_p99_over_p50", "at most", 5),
    Bar("exchange_warm_p99_over_p50", "at most", 5),
    Bar("postgres_one_worker_vs_embedded", "at least", 0.8),
    Bar("postgres_worker_efficiency", "at least", 0.87),
    Bar("postgres_two_workers_vs_one", "at least", 1.7),
    Bar("events_1e7_vs_1e3", "at least", 0.9),
    Bar("depth_8_vs_1", "at least", 0.9),
    Bar("publish_vs_peak_exchange", "at least", 2.0),
    Bar("deliver_vs_peak_exchange", "at least", 2.0),
    Bar("overload_goodput_vs_peak", "at least", 0.8),
    Bar("overload_shed_p99_ms", "at most", 50),
    Bar("exchange_with_proofs_vs_without", "at least", 0.95),
    Bar("verify_events_per_second", "at least", 16_667),
    Bar("replay_events_per_second", "at least", 16_667),
    Bar("startup_seconds", "at most", 5),
    Bar("startup_rss_megabytes", "at most", 400),
)
LIMITS: Final = {
    "crypto_bound_per_second": "ES256 verify + sign, one Python process",
    "load_bound_per_second": "what the load can drive, against a server that does nothing",
    "floor_vs_empty_post": "0.32 where the bars were set",
    "floor_vs_crypto_bound": "0.41 there; a floor far below both is a mistake",
    "rss_megabytes": "of the server, after all of the above",
    "overload_peak_per_second": "exchanges of unknown tokens over 64 connections; five times as many are offered",
    "overload_accepted_p99_ms": "of those that were let in",
    "overload_grown_megabytes": "memory of the server from before the first flood to behind the last",
    "cold_start_seconds": "from the start of the process to /readyz",
    "postgres_batch_events_c16": "events in each transaction that writes, at 16 connections",
    "postgres_batch_events_c64": "likewise at 64",
    "postgres_tls_vs_plain": "throughput with TLS to the database, against without",
    "postgres_worker_microseconds_w1": "processor time of the worker for each exchange",
    "postgres_worker_microseconds_w2": "of both, with two",
    "postgres_worker_microseconds_w4": "of all four",
    "postgres_database_microseconds_w1": "processor time of the database for each exchange, one worker",
    "postgres_database_microseconds_w2": "with two",
    "postgres_database_microseconds_w4": "with four",
    "postgres_database_share": "of all processor time, one worker",
    "postgres_per_second_w1": "exchanges, nothing pinned",
    "postgres_per_second_w2": "likewise",
    "postgres_per_second_w4": "likewise",
    "replay_events": "in the log whose decisions are taken again",
    "replay_events_per_processor_second": "the same by processor time alone",
    "replay_differences": "of them decisions that came out differently; all are true, so none may",
    "replay_rss_megabytes": "of the measuring process, at most",
    "stream_peak_exchange_per_second": "cold exchanges over 64 connections, neighbours of what catches up",
    "publish_per_second": "events that one publisher takes into Kafka, catching up",
    "publish_per_processor_second": "likewise, in each second of its processor time",
    "deliver_per_second": "records that one stream takes from Kafka into a file, synced",
    "deliver_per_processor_second": "likewise, in each second of its processor time",
    "deliver_elasticsearch_vs_peak_exchange": "into a `_bulk` that does nothing",
    "deliver_from_log_vs_peak_exchange": "from the log into a file, without Kafka",
    "stream_latency_p50_ms": "from a decision to its line in the file, at a third of the peak",
    "stream_latency_p99_ms": "likewise",
    "exchange_p99_with_publisher_vs_without": "at the peak, slices in turn",
    "exchange_p99_noise": "likewise, of slices without a publisher, one against the next",
    "moderate_p99_with_publisher_vs_without": "at a third of the peak, on schedule",
    "moderate_p99_noise": "likewise, of slices without",
    "exchange_processor_with_publisher_vs_without": "processor time of the service for an exchange",
    "startup_events": "in the store for the figures below",
    "startup_revocations": "of them revocations that still count",
    "startup_unaided_seconds": "without a snapshot: every revocation there ever was is folded",
    "startup_unaided_rss_megabytes": "likewise",
}
