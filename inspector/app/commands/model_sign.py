"""`inspector model keygen` and `sign`: who answers for a package."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from inspector.app import model_signature, options
from inspector.app.exits import speaking_plainly
from inspector.app.model_folder import models_folder
from inspector.app.model_package import load_to_sign

Models = Annotated[
    Path | None, typer.Option("--models", help="Folder of packages [default: the configuration's, or the shipped].")
]


def keygen(
    file: Annotated[Path, typer.Argument(help="File of the new private key; the public one is FILE.pub.")],
) -> None:
    """Make a key pair to sign model packages with: FILE (mode 0600, stays with who signs) and FILE.pub.

    The public key goes to every PC that shall run what you sign: models.trusted_keys in its inspector.toml.

    Example: inspector model keygen workshop.key
    """
    with speaking_plainly():
        name = model_signature.make_key(file)
        sys.stdout.write(
            f"{name}\n  {file}      private: keep it with who signs, and a copy in a safe\n"
            f'  {file}.pub  public: models.trusted_keys = ["{file.name}.pub"] in inspector.toml\n'
        )


def sign(
    name: Annotated[str, typer.Argument(help="Name of a package.")],
    *,
    key: Annotated[Path, typer.Option("--key", help="Private key that `inspector model keygen` made.")],
    models: Models = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Sign every file of a model package as it is now; a later change of any of them is seen.

    Example: inspector model sign bearings --key workshop.key
    """
    with speaking_plainly():
        folder = models_folder(models, config) / name
        card, trouble = load_to_sign(folder)
        signed_by = model_signature.sign_package(folder, key)
        if as_json:
            sys.stdout.write(json.dumps({"name": card.name, "signed_by": signed_by, "replaced": trouble}) + "\n")
            return
        if trouble:
            sys.stderr.write(f"inspector: replaces a signature that did not fit: {trouble}\n")
        sys.stdout.write(f"{card.name} {card.version}: signed by {signed_by}\n")


def register(app: typer.Typer) -> None:
    """Add the verbs to ``inspector model``."""
    app.command("keygen")(keygen)
    app.command("sign")(sign)
