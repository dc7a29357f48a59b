"""`inspector camera`: what an engineer needs at the lens."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from inspector.app import lens, options, plugins, service
from inspector.app.commands import camera_calibrate, camera_optics
from inspector.app.exits import EX_FINDINGS, EX_OK, speaking_plainly
from inspector.domain.errors import ConfigError, DeviceError, FrameError
from inspector.pipeline.optics import sharpness

app = typer.Typer(no_args_is_help=True, help="What an engineer needs at the lens.")

_BAR = 40
_PRODUCERS = "GENICAM_GENTL64_PATH"


@app.callback()
def root() -> None:
    """Look through the lens."""


app.command("optics")(camera_optics.optics)
app.command("calibrate")(camera_calibrate.calibrate)


@app.command("list")
def list_cameras(
    *,
    producer: Annotated[
        list[Path] | None,
        typer.Option(help="A GenTL producer (.cti) to ask, beside those that GENICAM_GENTL64_PATH names."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Name every camera that an installed library sees, and the setting that chooses it.

    It calls into every network that this PC is in, as the standard has it; a line of Aravis with an address never does.
    No camera is opened. Which library is not installed, and how it is, is told on standard error.

    Example: inspector camera list
    """
    service.configure_logs()
    with speaking_plainly():
        found: list[dict[str, str]] = []
        away: dict[str, str] = {}
        troubles: dict[str, str] = {}
        if producer:
            places = [str(one) for one in producer]
            os.environ[_PRODUCERS] = os.pathsep.join([*places, os.environ.get(_PRODUCERS, "")])
        for kind in plugins.names("camera"):
            try:
                plugin = plugins.find("camera", kind, where="installed", key="camera")
            except ConfigError as error:
                away[kind] = str(error).rpartition("cannot be loaded: ")[2]
                continue
            try:
                found += [{"kind": kind, **asdict(one)} for one in plugin.find()] if plugin.find is not None else []
            except DeviceError as error:
                troubles[kind] = error.reason
        if as_json:
            told = {"cameras": found, "not_installed": away, "troubles": troubles}
            sys.stdout.write(json.dumps(told) + "\n")
        else:
            for one in found:
                sys.stdout.write(f"{one['kind']:8} {one['model']:32} {one['serial']:16} {one['setting']}\n")
            if not found:
                sys.stdout.write("no camera answers\n")
            for kind, why in (*away.items(), *troubles.items()):
                sys.stderr.write(f"inspector: {kind}: {why}\n")
        raise SystemExit(EX_OK if found else EX_FINDINGS)


@app.command()
def grab(
    out: Annotated[Path, typer.Argument(help="PNG to write; a raw mosaic stays one.")],
    config: options.Config = None,
    station: options.StationName = None,
    *,
    trigger: lens.Trigger = None,
    timeout_s: Annotated[float, typer.Option("--timeout", min=0.01, max=3600, help="Seconds to wait.")] = lens.GRAB_S,
    as_json: options.Json = False,
) -> None:
    """Take one picture with a station's camera, set as its line would set it, and keep it without loss.

    Example: inspector camera grab part.png --station left --trigger software
    """
    service.configure_logs()
    with speaking_plainly():
        loaded = lens.free(options.load(config, station))
        with lens.opened(loaded, trigger) as camera:
            capture = lens.take(camera, timeout_s)
        if not cv2.imwrite(str(out), capture.pixels):
            raise ConfigError(f"{out}: cannot be written; a place that exists, and a name that ends in .png, is right")
        height, width = capture.pixels.shape[:2]
        told = {
            "file": str(out),
            "width": width,
            "height": height,
            "pixel_format": capture.pixel_format.value,
            "serial": capture.camera.serial,
            "exposure_us": capture.camera.exposure_us,
            "gain": capture.camera.gain_db,
            "frame_no": capture.frame_no,
            "device_timestamp_ns": capture.device_timestamp_ns,
            "mean": round(float(np.mean(capture.pixels)), 1),
            "sharpness": round(sharpness(capture.pixels, capture.pixel_format), 3),
        }
        sys.stdout.write(json.dumps(told) + "\n" if as_json else "".join(f"{k:14} {v}\n" for k, v in told.items()))


@app.command()
def focus(
    config: options.Config = None,
    station: options.StationName = None,
    *,
    trigger: lens.Trigger = None,
    frames: Annotated[int, typer.Option("--frames", min=0, help="End after so many; 0: at Ctrl-C.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Tell the sharpness of frame after frame while the lens is turned: the highest is the best.

    It is a number of this scene alone; light does not count. The bar is of the best seen so far.

    Example: inspector camera focus --station left --trigger live
    """
    service.configure_logs()
    with speaking_plainly(), service.stop_on_signals() as stop:
        loaded = lens.free(options.load(config, station))
        best, seen = 0.0, 0
        with lens.opened(loaded, trigger) as camera:
            while not stop.is_set() and (not frames or seen < frames):
                try:
                    capture = lens.take(camera, lens.GRAB_S)
                except FrameError as error:
                    sys.stderr.write(f"inspector: {error}\n")
                    continue
                except DeviceError as error:
                    if error.lost or not error.retry:
                        raise
                    sys.stderr.write(f"inspector: {error}\n")
                    continue
                seen += 1
                now = sharpness(capture.pixels, capture.pixel_format)
                best = max(best, now)
                sys.stdout.write(_focus_line(now, best, as_json=as_json))
                sys.stdout.flush()


def _focus_line(now: float, best: float, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"sharpness": round(now, 3), "best": round(best, 3)}) + "\n"
    bar = "#" * round(_BAR * now / best) if best else ""
    return f"{now:10.3f}  best {best:10.3f}  {bar}\n"
