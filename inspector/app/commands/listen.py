"""`inspector listen`: a plant's subscriber, as an example that proves completeness."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from inspector.adapters.sink_mqtt import MqttSettings
from inspector.adapters.sink_mqtt.listen import listen as hear
from inspector.app import options, plugins, service
from inspector.app.exits import EX_FINDINGS, speaking_plainly
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

    With --json every record is a line, and the last line is the tally; gaps name the ranges to replay.

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
        sys.stdout.write(json.dumps({**asdict(tally), "results": len(results), "complete": tally.complete}) + "\n")
        raise SystemExit(0 if tally.complete else EX_FINDINGS)
