"""`inspector listen`: a plant's subscriber, as an example that proves completeness."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from inspector.adapters.sink_mqtt import MqttSettings
from inspector.adapters.sink_mqtt.listen import Tally
from inspector.adapters.sink_mqtt.listen import listen as hear
from inspector.app import options, plugins, service
from inspector.app.exits import EX_FINDINGS, EX_OK, EX_UNAVAILABLE, speaking_plainly
from inspector.domain.errors import ConfigError


def listen(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    parts: Annotated[int, typer.Option("--parts", min=0, help="End after this many results; 0: at Ctrl-C.")] = 0,
    durable: Annotated[
        bool, typer.Option("--durable", help="Let the broker keep what is missed while this subscriber is away.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Subscribe to a station's records as a plant system would, and prove by journalSeq that none is missing.

    With --json every record is a line. The last line is the tally: gaps name the ranges to replay, "proves" what is
    proved; "complete" is null where nothing came (exit code 1) or the broker was never reached (69).

    Example: inspector listen --station left --json
    """
    service.configure_logs()
    with speaking_plainly(), service.stop_on_signals() as stop:
        loaded = options.load(config, station)
        table = next((dict(sink) for sink in loaded.settings.sink if sink.get("kind") == "mqtt"), None)
        if table is None:
            raise ConfigError(f"{loaded.origin(('sink',))}: no [[sink]] of kind mqtt; there is nothing to listen to")
        plugin = plugins.find("sink", "mqtt", where=loaded.origin(("sink",)), key="sink")
        settings = plugins.settings(plugin, table, origin=loaded.origin, prefix=("sink",))
        if not isinstance(settings, MqttSettings):
            raise ConfigError(f"{loaded.origin(('sink',))}: sink.kind = 'mqtt' is another package's plug-in")
        results: set[str] = set()

        def show(topic: str, record: Mapping[str, Any]) -> None:
            if topic.endswith("/result"):
                results.add(str(record.get("resultId")))
            if as_json:
                sys.stdout.write(json.dumps({"topic": topic, "record": record}) + "\n")
            else:
                content = record.get("resultContent", {})
                what = content.get("outcome") or record.get("code") or ""
                why = content.get("reason") or record.get("text") or ""
                sys.stdout.write(f"{record.get('journalSeq'):>8}  {topic.rsplit('/', 1)[-1]:8} {what:10} {why}\n")
            sys.stdout.flush()

        tally = hear(
            settings,
            topic_root=loaded.topic_root,
            until=lambda _: bool(parts) and len(results) >= parts,
            stop=stop,
            on_message=show,
            durable_as=f"inspector-listen-{loaded.name}" if durable else "",
        )
        raise SystemExit(_conclude(tally, results=len(results), broker=settings.address))


def _conclude(tally: Tally, *, results: int, broker: str) -> int:
    """Write the tally as the last line, and on stderr what it does not prove; the exit code."""
    proved = tally.complete if tally.received else None
    proves = f"{tally.first} to {tally.last} without a gap" if proved else None
    sys.stdout.write(json.dumps({**asdict(tally), "results": results, "complete": proved, "proves": proves}) + "\n")
    sys.stdout.flush()
    if not tally.reached:
        sys.stderr.write(f"inspector: listen: broker {broker} was never reached; nothing is proved\n")
        return EX_UNAVAILABLE
    if not tally.received:
        sys.stderr.write("inspector: listen: no record came; nothing is proved\n")
    return EX_OK if proved else EX_FINDINGS
