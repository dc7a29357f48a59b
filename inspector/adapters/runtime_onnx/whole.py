"""Copies an ONNX graph, and the weights that lie beside it, into one file."""

import shutil
from pathlib import Path

import onnx
from google.protobuf.message import EncodeError
from onnx.checker import ValidationError

from inspector.adapters.runtime_onnx import onnx_file
from inspector.domain.errors import ConfigError

_MOST_BYTES = 2**31 - 1
"""Of a protobuf message."""


def copy_whole(source: Path, target: Path) -> None:
    """Copy ``source`` to ``target``: the same bytes where it is one file already.

    Raises:
        ConfigError: the weights beside it cannot be read, or are too many for one file.
        OSError: ``target`` cannot be written.
    """
    outside = onnx_file.read(source).external
    if not outside:
        shutil.copyfile(source, target)
        return
    names = ", ".join(outside)
    try:
        data = onnx.load(source).SerializeToString()
    except (OSError, ValidationError, ValueError, EncodeError) as error:
        raise ConfigError(
            f"{source}: its weights in {names} cannot be taken into one file: {str(error).splitlines()[0]}; they must "
            f"lie beside it, whole, and be less than {_MOST_BYTES // 2**20} MB with the graph"
        ) from error
    target.write_bytes(data)
