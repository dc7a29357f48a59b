"""Runs the station's app; browsers' streams end when it is asked to stop, so that nobody has to be cut off."""

import socket

import uvicorn
from fastapi import FastAPI

from inspector.web.feed import Feed

GRACEFUL_S = 3


class StationServer(uvicorn.Server):
    """uvicorn's server, which tells the feed first."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then what uvicorn ends."""
        self._feed.stop()
        await super().shutdown(sockets)


def server_of(
    app: FastAPI, *, host: str, port: int, certificate: str | None = None, key: str | None = None
) -> StationServer:
    """A server of the app, not yet running; ``certificate`` and ``key``: PEM files, for TLS."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_S,
        timeout_keep_alive=30,
    )
    return StationServer(config, app.state.feed)
