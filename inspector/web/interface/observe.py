"""What watches the station: health by stage, and metrics for Prometheus."""

import time

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from inspector.domain.account import Access
from inspector.ports.liveness import Life
from inspector.web import publishing
from inspector.web.access import Here, Routes, Visit
from inspector.web.feed import Now
from inspector.web.station import Json

ROUTES = Routes("observe")
_STAGES = {
    "camera": ("camera.", "optics."),
    "model": ("model.",),
    "plc": ("plc.", "gate."),
    "journal": ("journal.", "book."),
    "evidence": ("evidence.",),
    "line": ("line.",),
}
"""Which alarms make which stage ill, by the beginning of their code."""
PUBLISH = "publish"
"""What the follower does: it is ill with its sinks, and has no alarms of the line's."""


@ROUTES.get("/health", Access.PUBLIC, by_clock=True, responses={503: {"description": "a stage is ill"}})
def health(visit: Here, response: Response) -> Json:
    """Whether all is well, and which stage is ill and why. 503 where any is."""
    told = stages(visit)
    ill = {stage: why for stage, why in told.items() if why}
    response.status_code = 503 if ill else 200
    return {"ok": not ill, "station": visit.station.name, "stages": {k: v or "ok" for k, v in told.items()}}


def stages(visit: Visit) -> dict[str, str]:
    """Why each stage is ill; "" for a healthy one. An alarm of no stage that we know makes the line ill."""
    now, station = visit.feed.now, visit.station
    told = dict.fromkeys((*_STAGES, PUBLISH), "")
    if now.liveness.life is not Life.ALIVE:
        told["line"] = now.liveness.reason or "not known to run yet"
    for code, text in now.alarms.items():
        stage = next((stage for stage, begins in _STAGES.items() if code.startswith(begins)), "line")
        told[stage] = told[stage] or f"{code}: {text}"
    told[PUBLISH] = publishing.trouble(now.follower, station.wiring.sinks, station.now())
    return told


@ROUTES.get("/metrics", Access.PUBLIC, by_clock=True)
def metrics(visit: Here) -> Response:
    """The station in Prometheus' text format. No part id stands in a label."""
    now, registry = visit.feed.now, CollectorRegistry()
    registry.register(_Figures(now, stages(visit)))
    info = Gauge("inspector_build_info", "the running software", ["software"], registry=registry)
    info.labels(software=visit.station.software).set(1)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Figures:
    """The figures of one look, as prometheus-client collects them."""

    def __init__(self, now: Now, stages: dict[str, str]) -> None:
        self._now = now
        self._stages = stages

    def collect(self) -> list[GaugeMetricFamily | CounterMetricFamily]:
        """All families."""
        now, status = self._now, self._now.liveness.status
        parts = CounterMetricFamily("inspector_parts", "parts in the journal", labels=["outcome"])
        for outcome in ("PASS", "FAIL", "UNDECIDED"):
            parts.add_metric([outcome.lower()], now.counts.get(outcome, 0))
        up = GaugeMetricFamily("inspector_line_up", "1 while the line writes its status")
        up.add_metric([], float(now.liveness.life is Life.ALIVE))
        alarms = GaugeMetricFamily("inspector_alarms", "standing alarms")
        alarms.add_metric([], len(now.alarms))
        ill = GaugeMetricFamily("inspector_stage_ill", "1 for a stage that is ill", labels=["stage"])
        for stage, why in self._stages.items():
            ill.add_metric([stage], float(bool(why)))
        latency = GaugeMetricFamily(
            "inspector_latency_seconds", "trigger to gate, newest 1000 parts", labels=["quantile"]
        )
        for quantile, key in (("0.5", "p50"), ("0.99", "p99"), ("1", "max")):
            if key in status.get("latency_ms", {}):
                latency.add_metric([quantile], status["latency_ms"][key] / 1e3)
        queues = GaugeMetricFamily("inspector_queue_depth", "what waits in the line", labels=["queue"])
        for queue, depth in status.get("queues", {}).items():
            queues.add_metric([queue], depth)
        waiting = GaugeMetricFamily("inspector_sink_waiting", "records that a sink has not yet got", labels=["sink"])
        for sink, told in now.follower.status.get("sinks", {}).items():
            if told.get("lag") is not None:
                waiting.add_metric([sink], told["lag"])
        last = GaugeMetricFamily("inspector_last_result_timestamp_seconds", "when the newest part was judged")
        last.add_metric([], now.last.created_utc.timestamp() if now.last else 0.0)
        looked = GaugeMetricFamily("inspector_scrape_timestamp_seconds", "this PC's clock")
        looked.add_metric([], time.time())
        return [parts, up, alarms, ill, latency, queues, waiting, last, looked]
