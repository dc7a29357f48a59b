import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from inspector.adapters import sink_jsonl, sink_mqtt

SAMPLES = Path(__file__).parents[2] / "config/samples"


@pytest.mark.parametrize(("kind", "plugin"), [("mqtt", sink_mqtt.PLUGIN), ("jsonl", sink_jsonl.PLUGIN)])
def test_the_sample_names_every_setting_and_loads(kind: str, plugin: Any) -> None:
    text = (SAMPLES / f"sink_{kind}.toml").read_text()
    (table,) = tomllib.loads(text)["sink"]
    assert table.pop("kind") == kind
    plugin.settings_model(**table)
    for name in plugin.settings_model.model_fields:
        assert f"{name} = " in text or f"[sink.{name}]" in text, f"{name} is not explained"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"host": ""}, "host"),
        ({"host": "b", "qos": 2}, "qos"),
        ({"host": "b", "password": "x"}, "password"),
        ({"host": "b", "password_file": "x"}, "username"),
        ({"host": "b", "username": "u", "password_file": "x", "password_credential": "y"}, "not both"),
        ({"host": "b", "retry_min_s": 9}, "retry_max_s"),
        ({"host": "b", "tls": {"ca_file": "c", "cert_file": "d"}}, "belong together"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        sink_mqtt.MqttSettings(**wrong)
