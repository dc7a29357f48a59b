"""Where the model packages stand for a verb that knows no station."""

from pathlib import Path

from inspector.app import options, settings
from inspector.app.share import share_dir


def models_folder(models: Path | None, config: Path | None) -> Path:
    """The folder named, the one of the configuration, or the one that is shipped.

    Raises:
        ConfigError: the configuration is wrong.
    """
    if models is not None:
        return models
    folder = options.config_folder(config)
    known = settings.stations(folder) if folder.is_dir() else []
    if known:
        return settings.load(folder, known[0]).path("models_dir")
    return share_dir() / "models"
