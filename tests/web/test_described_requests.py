"""Thousands of requests, drawn by schemathesis from the station's own description: none ends in a server's error."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from inspector.domain.account import Role
from inspector.web.access import cookie_name
from tests.web.plant import Plant, following, sink

SCHEMATHESIS = Path(__file__).resolve().parents[2] / ".stamps" / "schemathesis" / "bin" / "schemathesis"
ENDLESS = "/events"
SESSION_ENDS = ("/logout", "/api/session")
"""What would end the very session that asks: by any method, since those that are not described are tried too."""
CASES = 15


def description(app: FastAPI, *, but: tuple[str, ...]) -> dict[str, Any]:
    """Of every route, pages too, but these paths."""
    routes = [route for route in app.state.routes if isinstance(route, APIRoute)]
    hidden = [route for route in routes if not route.include_in_schema]
    for route in hidden:
        route.include_in_schema = True
    try:
        told = get_openapi(title=app.title, version=app.version, routes=routes)
    finally:
        for route in hidden:
            route.include_in_schema = False
    for path in but:
        del told["paths"][path]
    return told


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.peer("schemathesis")
@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.value if role else "nobody")
def test_no_request_ends_in_a_servers_error(role: Role | None, plant: Plant, tmp_path: Path) -> None:
    told = description(plant.app, but=(ENDLESS, *(SESSION_ENDS if role else ())))
    (tmp_path / "openapi.json").write_text(json.dumps(told))
    with plant.client(role) as client, following(plant, sink()):  # without one /health is 503, rightly
        headers = {}
        if role is not None:
            name = cookie_name(secure=False)
            headers = {"Cookie": f"{name}={client.cookies[name]}", "X-CSRF-Token": client.headers["X-CSRF-Token"]}
        given = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
        done = subprocess.run(
            [
                str(SCHEMATHESIS), "run", str(tmp_path / "openapi.json"), "--url", plant.url,
                "--checks", "not_a_server_error", "--phases", "examples,coverage,fuzzing",
                "--max-examples", str(CASES), "--seed", "1", "--continue-on-failure", "--no-shrink",
                "--generation-database", "none", "--request-timeout", "60", "--warnings", "off", *given,
            ],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        print(done.stdout[-6000:])
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        if role is not None:
            assert client.get("/api/state").status_code == 200, "the session lives, so its role was what was tried"
