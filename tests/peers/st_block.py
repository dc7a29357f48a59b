"""FB_Inspector as something that Python calls: the printed text, put into C line by line, and compiled."""

import ctypes
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.peers.st_to_c import translate

_KINDS: dict[str, Any] = {
    "bool": ctypes.c_bool,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "int": ctypes.c_int,
}
_FIELD = re.compile(r"^    (\w+) (\w+)(?:\[(\d+)\])?;$", re.MULTILINE)


def compile_block(text: str, folder: Path) -> Path:
    """A shared library with ``call`` and ``size``, and beside it the C header it was made of."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fb.h").write_text(translate(text), encoding="utf-8")
    source, library = folder / "fb.c", folder / "fb.so"
    entry = "void call(struct fb *fb) { fb_call(fb); }\nunsigned long size(void) { return sizeof(struct fb); }\n"
    source.write_text(f'#include "fb.h"\n{entry}', encoding="utf-8")
    compiler = shutil.which("gcc") or "gcc"
    options = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-fPIC", "-shared"]
    subprocess.run([compiler, *options, str(source), "-o", str(library)], check=True, capture_output=True, text=True)
    return library


class Block:
    """One instance. Its variables are attributes of ``now``; arrays are given and taken as sequences of words."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        header = (library.parent / "fb.h").read_text(encoding="utf-8")
        body = header[header.index("struct fb {") : header.index("};")]
        fields = [
            (name, _KINDS[kind] * int(count) if count else _KINDS[kind]) for kind, name, count in _FIELD.findall(body)
        ]
        self._kind: Any = type("Fb", (ctypes.Structure,), {"_fields_": fields})
        self._library.size.restype = ctypes.c_ulong
        assert self._library.size() == ctypes.sizeof(self._kind)
        self.now: Any = self._kind()

    def power_on(self) -> None:
        """Everything is 0, what is retained too."""
        self.now = self._kind()

    def call(self, **inputs: int | Sequence[int]) -> Any:
        """Set these inputs, run one cycle; the variables as they are then."""
        for name, value in inputs.items():
            if isinstance(value, int):
                setattr(self.now, name, value)
            else:
                getattr(self.now, name)[:] = list(value)
        self._library.call(ctypes.byref(self.now))
        return self.now
