"""`juki-center keys` and `juki-center backup`: replacing keys, and a copy, beside a center."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.commands import app
from juki_center.storage.keys import create_kek
from tests.support.center import SAMPLES, enter_everybody, open_test_store
from tests.support.leaves import leaves
from tests.support.rows import change, number

TOKOROZAWA = MunicipalityCode("112089")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a store that has everybody in it, and a configuration for it."""
    store = open_test_store(tmp_path)
    asyncio.run(_furnish(store))
    store.close()
    (tmp_path / "center.toml").write_text(
        'environment = "test"\n'
        f'[pki]\ndir = "{tmp_path}/pki"\n'
        '[keys]\nkek = "kek"\n[store]\nurl = "sqlite:///center.db"\n',
        encoding="utf-8",
    )
    return tmp_path


async def _furnish(store: object) -> None:
    await store.act(enter_everybody)  # type: ignore[attr-defined]


def run(folder: Path, *arguments: str) -> Result:
    """Run a command on the folder's center."""
    config = str(folder / "center.toml")
    return CliRunner().invoke(app, [*arguments, "--config", config])


def result(folder: Path, *arguments: str) -> dict[str, object]:
    """Run a command that succeeds, and return its result."""
    done = run(folder, *arguments, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["result"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("option", "name"),
    [
        (("--municipality", "112089"), "municipality 112089"),
        (("--look-up",), "look-up"),
        (("--center",), "center"),
    ],
)
def test_a_key_is_replaced_and_the_log_says_so(
    folder: Path, option: tuple[str, ...], name: str
) -> None:
    done = result(folder, "keys", "rotate", *option)

    assert (done["target"], done["from"], done["to"]) == (name, 1, 2)
    assert (done["resumed"], done["logEmptied"]) == (False, True)
    store = open_test_store(folder)
    details = [leaf["more"] for leaf in leaves(store) if leaf["ev"] == "KEYS_ROTATED"]
    store.close()
    assert [one["stage"] for one in details] == ["begun", "done"]  # type: ignore[index]
    status = result(folder, "keys", "status")
    assert status["rotations"] == []
    versions = {(one["key"], one["version"], one["state"]) for one in status["keys"]}  # type: ignore[attr-defined,index]
    wanted = {"code", "attributes"} if name == "look-up" else {name}
    assert {key for key, version, _ in versions if version == 2} == wanted
    assert {state for _, _, state in versions} == {"ACTIVE"}


def test_a_rotation_that_was_cut_off_is_shown_and_gone_on_with(folder: Path) -> None:
    from juki_center.storage.rotation import LOOK_UP
    from tests.support.center import NOW

    store = open_test_store(folder)
    asyncio.run(store.act(lambda tx: tx.rotations.begin(LOOK_UP, NOW)))  # type: ignore[arg-type]  # a coroutine
    store.close()

    shown = run(folder, "keys", "status")
    done = result(folder, "keys", "rotate", "--look-up")

    assert "rotation of look-up: version 1 to 2, at PERSONS" in shown.stdout
    assert "BUILDING" in shown.stdout
    assert done["resumed"] is True


def test_a_disconnected_municipality_is_named_and_the_command_can_be_given_again(
    folder: Path,
) -> None:
    connect(folder, connected=False)

    refused = run(folder, "keys", "rotate", "--look-up")
    shown = run(folder, "keys", "status")

    assert refused.exit_code == 3
    assert "RESIDENCE_DISCONNECTED: look-up: disconnected: 112089" in refused.stderr
    assert "112089  disconnected" in shown.stdout
    connect(folder, connected=True)
    assert result(folder, "keys", "rotate", "--look-up")["to"] == 2


def connect(folder: Path, *, connected: bool) -> None:
    """Connect or disconnect Tokorozawa."""
    store = open_test_store(folder)
    asyncio.run(
        store.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=connected))  # type: ignore[arg-type]  # a coroutine
    )
    store.close()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "name one key"),
        (("--look-up", "--center"), "name one key"),
        (("--municipality", "131130"), "hosts no register"),
        (("--municipality", "112080"), "check digit"),
    ],
)
def test_a_command_that_names_no_key_of_the_store_is_wrong_usage(
    folder: Path, options: tuple[str, ...], says: str
) -> None:
    refused = run(folder, "keys", "rotate", *options)

    assert refused.exit_code == 2
    assert says in refused.stderr
    assert result(folder, "keys", "status")["rotations"] == []


def test_nothing_that_is_printed_is_a_key_or_a_code(folder: Path) -> None:
    printed = (
        run(folder, "keys", "rotate", "--look-up").output + run(folder, "keys", "status").output
    )

    assert SAMPLES["yoshida-taro"].record.code.digits not in printed
    assert "wrapped" not in printed


def test_a_backup_beside_a_serving_center_is_whole_and_opens_with_the_same_key(
    folder: Path,
) -> None:
    serving = open_test_store(folder)
    copy = folder / "copies" / "center.db"
    copy.parent.mkdir()

    done = result(folder, "backup", str(copy))

    serving.close()
    assert done == {"file": str(copy), "bytes": copy.stat().st_size}
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in copy.parent.iterdir()] == ["center.db"]
    shutil.copy(folder / "kek", copy.parent)
    restored = open_test_store(copy.parent)
    found = [
        restored.read(lambda tx, code=one.record.code: tx.residents.by_code(code))
        for one in SAMPLES.values()
    ]
    restored.close()
    assert None not in found


async def test_a_backup_is_one_state_whatever_is_committed_meanwhile(folder: Path) -> None:
    from juki_center.storage import backup
    from juki_center.storage.keys import KeyEncryptionKey

    serving = open_test_store(folder)
    with_a_card = "SELECT count(*) FROM cards"
    before = number(folder / "center.db", with_a_card)
    pauses = []

    def commit_meanwhile(done: int, pages: int) -> None:
        change(
            folder / "center.db", "DELETE FROM cards WHERE serial = (SELECT min(serial) FROM cards)"
        )
        pauses.append((done, pages))

    kek = KeyEncryptionKey.load(folder / "kek")
    backup._PAGES_AT_ONCE, whole = 20, backup._PAGES_AT_ONCE  # type: ignore[misc]
    try:
        backup.back_up(folder / "center.db", folder / "copy.db", kek, commit_meanwhile)
    finally:
        backup._PAGES_AT_ONCE = whole  # type: ignore[misc]
        serving.close()

    assert len(pauses) > 3
    assert pauses[-1][0] == pauses[-1][1]
    assert number(folder / "copy.db", with_a_card) == before
    assert number(folder / "center.db", with_a_card) == before - len(pauses)


def test_a_backup_overwrites_nothing_and_leaves_nothing_half(folder: Path) -> None:
    (folder / "copy.db").write_bytes(b"kept")
    (folder / "other.db.partial").write_bytes(b"kept too")

    refused = [run(folder, "backup", str(folder / name)) for name in ("copy.db", "other.db")]

    assert [one.exit_code for one in refused] == [3, 3]
    assert all("File exists" in one.stderr for one in refused)
    assert (folder / "copy.db").read_bytes() == b"kept"
    assert (folder / "other.db.partial").read_bytes() == b"kept too"
    assert not (folder / "other.db").exists()


def test_a_backup_that_the_key_does_not_open_is_none(folder: Path) -> None:
    (folder / "kek").unlink()
    create_kek(folder / "kek")

    refused = run(folder, "backup", str(folder / "copy.db"))

    assert refused.exit_code == 3
    assert "KEY_UNUSABLE" in refused.stderr
    assert not list(folder.glob("copy.db*"))


def test_without_a_store_there_is_nothing_to_copy(folder: Path) -> None:
    (folder / "center.db").unlink()

    refused = run(folder, "backup", str(folder / "copy.db"))

    assert refused.exit_code == 5
    assert "there is no store" in refused.stderr
    assert not (folder / "center.db").exists()
