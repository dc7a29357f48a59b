"""The published contract as files: a JSON Schema a payload, and an AsyncAPI document of the topics.

Written by ``python -m inspector.pipeline.contract docs/api``; a test fails when the files are not what this writes.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from inspector.pipeline.payloads import (
    AlarmEventRecord,
    AlarmRecord,
    AuditHeadRecord,
    BookHeadRecord,
    DisposalRecord,
    HealthRecord,
    InfoRecord,
    OneShotRecord,
    ResultRecord,
    ReviewRecord,
    StateRecord,
    StatusRecord,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PAYLOADS: Mapping[str, type[BaseModel]] = {
    "inspector.result/1": ResultRecord,
    "inspector.one-shot/1": OneShotRecord,
    "inspector.disposal/1": DisposalRecord,
    "inspector.review/1": ReviewRecord,
    "inspector.alarm-event/1": AlarmEventRecord,
    "inspector.state/1": StateRecord,
    "inspector.info/1": InfoRecord,
    "inspector.counters/1": StatusRecord,
    "inspector.recipe-active/1": StatusRecord,
    "inspector.health/1": HealthRecord,
    "inspector.alarm/1": AlarmRecord,
    "inspector.audit-head/1": AuditHeadRecord,
    "inspector.book-head/1": BookHeadRecord,
}
TOPICS: Mapping[str, tuple[str, bool]] = {
    "result": ("inspector.result/1", False),
    "disposal": ("inspector.disposal/1", False),
    "review/verdict": ("inspector.review/1", False),
    "alarm/event": ("inspector.alarm-event/1", False),
    "state": ("inspector.state/1", True),
    "info": ("inspector.info/1", True),
    "result/last": ("inspector.result/1", True),
    "counters": ("inspector.counters/1", True),
    "recipe/active": ("inspector.recipe-active/1", True),
    "health": ("inspector.health/1", True),
    "alarm/{code}": ("inspector.alarm/1", True),
    "audit/head": ("inspector.audit-head/1", True),
    "book/head": ("inspector.book-head/1", True),
}
"""Topic below the station's root: its schema, and whether it is retained."""


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema 2020-12 of one payload, by the name that its user property ``schema`` carries."""
    schema = PAYLOADS[name].model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": DIALECT, "$id": f"urn:{name.replace('/', ':')}", **schema}


def asyncapi() -> dict[str, Any]:
    """The topics as AsyncAPI 3.1 describes them: who sends what, retained or not, in which schema."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic, (schema, retained) in TOPICS.items():
        key = topic.replace("/", "_").replace("{code}", "code")
        channels[key] = {
            "address": f"{{root}}/{topic}",
            "parameters": {name: _PARAMETERS[name] for name in _PARAMETERS if name == "root" or f"{{{name}}}" in topic},
            "messages": {key: _message(schema)},
        }
        operations[f"publish_{key}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{key}"},
            "bindings": {"mqtt": {"qos": 1, "retain": retained, "bindingVersion": "0.2.0"}},
        }
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Inspector station",
            "version": "1.0.0",
            "description": "What an inspection station publishes over MQTT. The promises behind it: docs/mqtt.md.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    }


def files() -> dict[str, str]:
    """Every file of the contract: name and content."""
    written = {file_name(name): json.dumps(json_schema(name), indent=2) + "\n" for name in PAYLOADS}
    return {**written, "asyncapi.yaml": _yaml(asyncapi(), 0).lstrip("\n") + "\n"}


def file_name(schema: str) -> str:
    """``inspector.result/1`` stands in ``inspector.result.1.schema.json``."""
    return f"{schema.replace('/', '.')}.schema.json"


_PARAMETERS = {
    "root": {"description": "{enterprise}/{site}/{area}/{line}/{cell}/inspector/{station}, from the settings"},
    "code": {"description": "the alarm's code"},
}


def _message(schema: str) -> dict[str, Any]:
    return {
        "name": schema,
        "contentType": "application/json",
        "headers": {"type": "object", "properties": {"schema": {"const": schema}}},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./{file_name(schema)}"},
        },
    }


def _yaml(node: object, depth: int) -> str:
    """The little of YAML that the document needs: nested tables of plain values, strings in JSON's quotes."""
    if not isinstance(node, dict):
        return " " + json.dumps(node)
    pad = "  " * depth
    return "".join(f"\n{pad}{_key(key)}:{_yaml(value, depth + 1)}" for key, value in node.items())


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() else json.dumps(key)


def main(folder: Path) -> None:
    """Write the contract into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
