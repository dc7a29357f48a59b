"""`inspector twin`, whose PLC runs FB_Inspector: python -m tests.system.twin_with_program STATION.toml FB.so FOLDER."""

import sys
import tomllib
from functools import partial
from pathlib import Path

from inspector.app import service
from inspector.app.recipe_file import load_recipe
from inspector.app.share import share_dir
from inspector.twin.cell import Programs
from inspector.twin.run import run_twin
from inspector.twin.settings import TwinSettings
from tests.peers.st_program import PollingBlock, ServedBlock


def main(station: Path, library: Path, folder: Path) -> None:
    service.configure_logs()
    content = tomllib.loads(station.read_text())
    recipe = load_recipe(share_dir() / "config" / "recipes" / f"{content['station'].get('recipe', 'critical')}.toml")
    programs = Programs(server=partial(ServedBlock, library), client=partial(PollingBlock, library))
    with service.stop_on_signals() as stop:
        settings = TwinSettings.model_validate(content["twin"])
        run_twin(settings, recipe.recipe, report_dir=folder, stop=stop, programs=programs)


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:]))
