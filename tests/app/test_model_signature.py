"""Who signed a model package is seen by every verb, and where keys are trusted nothing else is run."""

import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.app.model_signature import sign_package, signer, trust
from inspector.domain.errors import ConfigError
from tests.app.conftest import Verb
from tests.model_graphs import spotter

Edit = Callable[[str, str, str], Path]
MODEL = "surface-small"


@pytest.fixture
def models(config: Path, tmp_path: Path, repo: Path) -> Path:
    """Packages of the station's own, which may be changed."""
    folder = tmp_path / "models"
    folder.unlink()
    shutil.copytree(repo / "models", folder)
    return folder


@pytest.fixture
def key(tmp_path: Path, verb: Verb) -> Path:
    path = tmp_path / "workshop.key"
    assert verb("model", "keygen", path).exit_code == 0
    return path


@pytest.fixture
def trusting(config: Path, key: Path, edit: Edit) -> Path:
    """A configuration that runs only what the key has signed."""
    shutil.copy(f"{key}.pub", config / "workshop.pub")
    edit("inspector.toml", "[journal]", '[models]\ntrusted_keys = ["workshop.pub"]\n\n[journal]')
    return config


def picture(path: Path) -> Path:
    cv2.imwrite(str(path), np.random.default_rng(1).normal(128, 6, (256, 320)).clip(0, 255).astype(np.uint8))
    return path


def test_a_private_key_is_for_its_owner_only_and_never_overwritten(key: Path, verb: Verb, models: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    again = verb("model", "keygen", key)
    assert (again.exit_code, key.read_bytes()) == (78, before)
    assert "is there already" in again.stderr
    key.chmod(0o644)
    told = verb("model", "sign", MODEL, "--key", key, "--models", models)
    assert told.exit_code == 78
    assert "others may read this private key; chmod 600" in told.stderr
    assert "BEGIN" not in told.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no key at all", "is no private key"),
        (b"", "is no private key"),
        (None, "is no private key"),  # the public one
    ],
)
def test_what_is_no_private_key_signs_nothing(
    content: bytes | None, message: str, key: Path, verb: Verb, models: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.key"
    wrong.write_bytes(Path(f"{key}.pub").read_bytes() if content is None else content)
    wrong.chmod(0o600)
    told = verb("model", "sign", MODEL, "--key", wrong, "--models", models)
    assert told.exit_code == 78
    assert message in told.stderr
    assert not (models / MODEL / "signature.toml").exists()


def test_a_key_of_openssl_signs_too(tmp_path: Path, models: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is missing: apt-get install openssl")
    made = tmp_path / "made.key"
    subprocess.run([openssl, "genpkey", "-algorithm", "ed25519", "-out", made], check=True, capture_output=True)
    subprocess.run([openssl, "pkey", "-in", made, "-pubout", "-out", f"{made}.pub"], check=True, capture_output=True)
    made.chmod(0o600)
    name = sign_package(models / MODEL, made)
    assert signer(models / MODEL, trust([Path(f"{made}.pub")])) == name
    subprocess.run([openssl, "genpkey", "-algorithm", "RSA", "-out", made], check=True, capture_output=True)
    with pytest.raises(ConfigError, match="of another kind; Ed25519 is right"):
        sign_package(models / MODEL, made)


def test_without_trusted_keys_an_unsigned_package_runs_as_before(config: Path, models: Path, verb: Verb) -> None:
    checked = verb("check", "--config", config, "--station", "left")
    assert checked.exit_code == 0, checked.stderr
    assert "fits its card, not signed" in checked.stdout


def test_list_and_check_show_who_signed(config: Path, models: Path, key: Path, verb: Verb) -> None:
    signed = json.loads(verb("model", "sign", MODEL, "--key", key, "--models", models, "--json").stdout)
    assert signed["signed_by"].startswith("ed25519:")
    rows = json.loads(verb("model", "list", "--models", models, "--json").stdout)["packages"]
    assert {row["name"]: row["signed_by"] for row in rows if row["signed_by"]} == {MODEL: signed["signed_by"]}
    assert signed["signed_by"] in verb("model", "list", "--models", models).stdout
    assert f"signed by {signed['signed_by']}" in verb("check", "--config", config, "--station", "left").stdout


def test_model_check_verifies_the_signature_and_the_vectors(tmp_path: Path, key: Path, verb: Verb) -> None:
    folder = tmp_path / "packages"
    graph = spotter(tmp_path / "best.onnx", metadata={"names": "{0: 'line', 1: 'spot'}", "imgsz": "[64, 64]"})
    assert verb("model", "import", graph, "--name", "m", "--models", folder, "--yes").exit_code == 0
    assert "; not signed" in verb("model", "check", "m", "--models", folder).stdout
    assert verb("model", "sign", "m", "--key", key, "--models", folder).exit_code == 0
    checked = verb("model", "check", "m", "--models", folder)
    assert checked.exit_code == 0, checked.stderr
    assert "signed by ed25519:" in checked.stdout
    next((folder / "m" / "reference").iterdir()).write_bytes(b"other")
    altered = verb("model", "check", "m", "--models", folder)
    assert altered.exit_code == 78
    assert "is altered" in altered.stderr


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "the card": (lambda folder: _edit(folder / "card.toml", 'version = "', 'version = "9'), "card.toml is altered"),
    "the page": (lambda folder: (folder / "MODEL_CARD.md").unlink(), "MODEL_CARD.md is missing"),
    "a new file": (lambda folder: (folder / "weights.bin").write_bytes(b"1"), "weights.bin was added"),
    "the list": (
        lambda folder: _edit(folder / "signature.toml", '"MODEL_CARD.md" = "', '"MODEL_CARD.md" = "0'),
        "signature.toml: the signature is not of this list",
    ),
    "the time": (lambda folder: _edit(folder / "signature.toml", 'utc = "2', 'utc = "1'), "the signature is not of"),
    "a link": (lambda folder: (folder / "link").symlink_to("/etc/hostname"), "is no plain file"),
    "no signature at all": (
        lambda folder: (folder / "signature.toml").write_text("signature = 1"),
        "signature.toml: schema is missing",
    ),
}


def _edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8").replace("MODEL_CARD.md =", '"MODEL_CARD.md" =')
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


@pytest.mark.parametrize("what", CHANGES)
def test_a_broken_signature_is_an_error_even_where_none_is_asked_for(
    what: str, config: Path, models: Path, key: Path, verb: Verb, tmp_path: Path
) -> None:
    sign_package(models / MODEL, key)
    change, message = CHANGES[what]
    change(models / MODEL)
    checked = verb("check", "--config", config, "--station", "left")
    assert checked.exit_code == 78
    assert message in checked.stderr
    judged = verb("inspect", picture(tmp_path / "a.png"), "--model", models / MODEL)
    assert (judged.exit_code, message in judged.stderr) == (78, True)
    rows = json.loads(verb("model", "list", "--models", models, "--json").stdout)["packages"]
    assert message in {row["name"]: row["trouble"] for row in rows}[MODEL]


def test_a_package_that_was_altered_can_be_signed_anew_and_it_is_said(models: Path, key: Path, verb: Verb) -> None:
    sign_package(models / MODEL, key)
    (models / MODEL / "MODEL_CARD.md").write_text("new words")
    done = verb("model", "sign", MODEL, "--key", key, "--models", models)
    assert done.exit_code == 0
    assert "replaces a signature that did not fit" in done.stderr
    assert "MODEL_CARD.md is altered" in done.stderr
    assert signer(models / MODEL).startswith("ed25519:")


def test_line_check_and_inspect_refuse_what_no_trusted_key_has_signed(
    trusting: Path, models: Path, key: Path, verb: Verb, tmp_path: Path
) -> None:
    shot = picture(tmp_path / "a.png")
    inspect = ["inspect", shot, "--model", models / MODEL, "--config", trusting]

    def refused(message: str) -> None:
        for words in (["check", "--config", trusting, "--station", "left"], inspect):
            told = verb(*words)
            assert (told.exit_code, message in told.stderr) == (78, True), told.stderr
        command = [sys.executable, "-m", "inspector", "line", "--config", str(trusting), "--station", "left"]
        line = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert (line.returncode, message in line.stderr) == (78, True), line.stderr

    refused("is not signed; models.trusted_keys asks for a signature by ed25519:")
    stranger = tmp_path / "stranger.key"
    assert verb("model", "keygen", stranger).exit_code == 0
    sign_package(models / MODEL, stranger)
    refused("which models.trusted_keys does not name")
    sign_package(models / MODEL, key)
    assert verb("check", "--config", trusting, "--station", "left").exit_code == 0
    assert verb(*inspect).exit_code == 0
    shutil.copytree(models / MODEL, models / "other")
    _edit(trusting / "stations" / "left.toml", f'model = "{MODEL}"', 'model = "other"')
    recipe = trusting / "recipes" / "critical.toml"
    recipe.write_text(recipe.read_text().replace(f'model = "{MODEL}"', 'model = "other"'))
    told = verb("check", "--config", trusting, "--station", "left")
    assert (told.exit_code, f"is model {MODEL!r}" in told.stderr) == (78, True), told.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), ("hello", "is no public key"), ("private", "is a PRIVATE key")],
)
def test_a_trusted_key_that_is_none_is_named(
    content: str | None, message: str, config: Path, key: Path, edit: Edit, verb: Verb
) -> None:
    edit("inspector.toml", "[journal]", '[models]\ntrusted_keys = ["w.pub"]\n\n[journal]')
    if content is not None:
        (config / "w.pub").write_text(key.read_text() if content == "private" else content)
    told = verb("check", "--config", config, "--station", "left")
    assert told.exit_code == 78
    assert "models.trusted_keys" in told.stderr
    assert message in told.stderr


def test_a_signed_candidate_is_signed_anew_when_it_is_released(models: Path, key: Path, verb: Verb) -> None:
    card = models / MODEL / "card.toml"
    card.write_text(card.read_text().replace("[model]", "[model]\nreleased = false", 1))
    sign_package(models / MODEL, key)
    refused = verb("model", "release", MODEL, "--models", models)
    assert (refused.exit_code, "give --key FILE" in refused.stderr) == (78, True)
    assert signer(models / MODEL)
    assert verb("model", "release", MODEL, "--models", models, "--key", key).exit_code == 0
    assert signer(models / MODEL)
    assert "released = true" in card.read_text()
