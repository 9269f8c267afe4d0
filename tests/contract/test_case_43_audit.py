"""Case 43: whatever is done to the log by SQL or in a copy, `audit verify` names the row."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from juki_audit import checkpoints
from juki_audit.leaf import commitment
from juki_audit.witnesses import WitnessKey, cosign
from juki_center.cli.commands import app
from tests.support.signed_center import NOW, add_answer, add_leaves, make_center

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

pytestmark = pytest.mark.embedded

SIZE = 23
REQUEST = UUID("5f0c8a52-6a51-4a3c-9a53-5c8f0f6b7a11")
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a center's folder with a sound log."""
    folder = tmp_path_factory.mktemp("sound")
    make_center(folder)
    add_leaves(folder, SIZE)
    return folder


@pytest.fixture
def center(tmp_path: Path, sound: Path) -> Path:
    """Return a copy of the center's folder."""
    return shutil.copytree(sound, tmp_path / "center")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


def verify(center: Path, *arguments: str | Path) -> Result:
    return run("verify", *arguments, "--trust", center / "pki" / "trust")


def verify_store(center: Path, *arguments: str | Path) -> Result:
    return verify(center, "--store", center / "center.db", *arguments)


def export(center: Path, name: str = "copy.jsonl") -> Path:
    done = run("export", center / name, "--config", center / "center.toml")
    assert done.exit_code == 0, done.output
    return center / name


def change(center: Path, *statements: str) -> None:
    with closing(sqlite3.connect(center / "center.db")) as sql, sql:
        for statement in statements:
            sql.execute(statement)


def named(result: Result) -> list[str]:
    assert result.exit_code == 3, result.output
    return [line.strip() for line in result.stderr.splitlines() if line.startswith("  ")]


def test_a_sound_store_and_its_copy_are_sound(center: Path) -> None:
    copy = export(center)

    of_store, of_copy = verify_store(center), verify(center, copy)

    assert (of_store.exit_code, of_copy.exit_code) == (0, 0), of_store.output + of_copy.output
    assert "23 leaves" in of_copy.stdout


_SWAP = (
    "UPDATE audit_leaves SET leaf_index = -1 WHERE leaf_index = 4",
    "UPDATE audit_leaves SET leaf_index = 4 WHERE leaf_index = 17",
    "UPDATE audit_leaves SET leaf_index = 17 WHERE leaf_index = -1",
)
_FORGED = commitment(bytes(32), b"forged").hex()


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (
            ["UPDATE audit_leaves SET content = x'a0' WHERE leaf_index = 7"],
            ["CONTENT_ALTERED: leaf 7"],
        ),
        (
            [
                "UPDATE audit_leaves SET salt = zeroblob(32), content = CAST('forged' AS BLOB),"
                f" commitment = x'{_FORGED}' WHERE leaf_index = 7"
            ],
            ["ALTERED: leaf 7", "COLUMNS_ALTERED: leaf 7"],
        ),
        (
            [f"UPDATE audit_leaves SET commitment = x'{_FORGED}' WHERE leaf_index = 7"],
            ["ALTERED: leaf 7", "CONTENT_ALTERED: leaf 7"],
        ),
        (["UPDATE audit_leaves SET commitment = 'text' WHERE leaf_index = 7"],
         ["ALTERED: leaf 7", "CONTENT_ALTERED: leaf 7"]),
        (["UPDATE audit_leaves SET at = at + 1 WHERE leaf_index = 7"], ["COLUMNS_ALTERED: leaf 7"]),
        (
            ["UPDATE audit_leaves SET issuing = '112089' WHERE leaf_index = 7"],
            ["COLUMNS_ALTERED: leaf 7"],
        ),
        (["DELETE FROM audit_leaves WHERE leaf_index = 7"], ["REMOVED: leaf 7"]),
        (["DELETE FROM audit_leaves WHERE leaf_index > 19"], ["REMOVED: leaves 20 to 22"]),
        (
            [
                "DELETE FROM audit_leaves WHERE leaf_index = 7",
                "UPDATE audit_leaves SET leaf_index = -leaf_index WHERE leaf_index > 7",
                "UPDATE audit_leaves SET leaf_index = -leaf_index - 1 WHERE leaf_index < 0",
            ],
            ["REMOVED: leaf 7"],
        ),
        (
            list(_SWAP),
            ["REORDERED: leaf 4 (holds leaf 17)", "REORDERED: leaf 17 (holds leaf 4)"],
        ),
        (
            [
                "INSERT INTO audit_leaves SELECT 23, at, issuing, residence, salt, content,"
                " commitment FROM audit_leaves WHERE leaf_index = 3"
            ],
            ["ADDED: leaf 23"],
        ),
        (
            ["UPDATE audit_nodes SET hash = zeroblob(32) WHERE level = 2 AND node_index = 1"],
            ["NODE_ALTERED: node 1 at level 2"],
        ),
        (
            ["UPDATE audit_nodes SET hash = zeroblob(32) WHERE level = 0 AND node_index = 9"],
            ["NODE_ALTERED: node 9 at level 0"],
        ),
        (["DELETE FROM audit_nodes WHERE level = 3 AND node_index = 0"],
         ["NODE_REMOVED: node 0 at level 3"]),
        (["UPDATE audit_head SET frontier = zeroblob(8)"], ["HEAD_ALTERED"]),
        (["UPDATE audit_head SET frontier = x'01'"], ["HEAD_ALTERED: (FRONTIER_LENGTH)"]),
        (["UPDATE audit_head SET checkpoint = NULL"], ["CHECKPOINT_REFUSED: (NOT_THERE)"]),
        (
            [
                "UPDATE audit_head SET checkpoint ="
                " CAST(replace(CAST(checkpoint AS TEXT), '\n23\n', '\n22\n') AS BLOB)"
            ],
            ["CHECKPOINT_REFUSED: (SIGNATURE_INVALID)"],
        ),
    ],
)  # fmt: skip
def test_case_43_what_is_done_by_sql_is_named(
    center: Path, statements: list[str], expected: list[str]
) -> None:
    change(center, *statements)

    assert sorted(named(verify_store(center))) == sorted(expected)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda lines: [*lines[:9], *lines[10:]], ["REMOVED: leaf 7"]),
        (lambda lines: [*lines[:9], lines[10], lines[9], *lines[11:]],
         ["REORDERED: leaf 7 (lies later)"]),
        (lambda lines: [*lines[:10], lines[6], *lines[10:]], ["ADDED: leaf 4 (twice)"]),
        (lambda lines: [*lines[:9], lines[9].replace(b'"content": "', b'"content": "AAAA'),
                        *lines[10:]], ["CONTENT_ALTERED: leaf 7"]),
        (lambda lines: [*lines[:9], b"{nonsense\n", *lines[10:]], ["MALFORMED: line 10 (LINE)"]),
        (lambda lines: lines[:-1], ["CUT_OFF"]),
        (lambda lines: [*lines[:22], lines[22][:9]],
         ["CUT_OFF", "REMOVED: leaves 20 to 22"]),
    ],
)  # fmt: skip
def test_case_43_what_is_done_to_a_copy_is_named(
    center: Path, damage: object, expected: list[str]
) -> None:
    copy = export(center)
    lines = copy.read_bytes().splitlines(keepends=True)
    copy.write_bytes(b"".join(damage(lines)))  # type: ignore[operator]

    assert sorted(named(verify(center, copy))) == sorted(expected)


def test_a_copy_of_a_swap_names_both(center: Path) -> None:
    change(center, *_SWAP)

    found = named(verify(center, export(center)))

    assert found == ["REORDERED: leaf 4 (holds leaf 17)", "REORDERED: leaf 17 (holds leaf 4)"]


def test_a_log_that_goes_on_is_sound_since_its_earlier_copy_and_head(center: Path) -> None:
    copy = export(center)
    head = center / "head"
    head.write_text(run("checkpoint", "--config", center / "center.toml").stdout, "utf-8")
    add_leaves(center, 9, first=SIZE)

    done = verify_store(center, "--since", copy, "--since", head)

    assert done.exit_code == 0, done.output


def test_a_log_written_anew_with_its_own_key_is_found_by_an_earlier_copy(center: Path) -> None:
    copy = export(center)
    for name in center.glob("center.db*"):
        name.unlink()
    add_leaves(center, SIZE + 2)

    found = named(verify_store(center, "--since", copy))

    assert found == ["NOT_GROWN: (head of 23 leaves)", "ALTERED: leaves 0 to 22"]


def test_a_log_that_lost_its_end_is_found_by_an_earlier_head(center: Path) -> None:
    copy = export(center)
    for name in center.glob("center.db*"):
        name.unlink()
    add_leaves(center, 5)

    assert named(verify_store(center, "--since", copy)) == ["SHRUNK: (head of 23 leaves)"]


def test_a_copy_is_not_believed_by_another_logs_verifier(center: Path, tmp_path: Path) -> None:
    copy = export(center)
    other = tmp_path / "other"
    other.mkdir()
    make_center(other)

    done = run("verify", copy, "--trust", other / "pki" / "trust")

    assert named(done) == ["CHECKPOINT_REFUSED: (ORIGIN_OTHER)"]


def test_an_earlier_head_of_another_log_is_refused(center: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_center(other)
    add_leaves(other, 3)

    done = verify_store(center, "--since", export(other))

    assert done.exit_code == 3
    assert "LOG_NOT_SOUND: ORIGIN_OTHER" in done.stderr


def test_without_a_verifier_nothing_is_examined(center: Path) -> None:
    done = run("verify", "--store", center / "center.db")

    assert done.exit_code == 2
    assert "--trust" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["copy", "--store", "store"], ["copy", "--proof", "p"]])
def test_one_thing_is_examined_at_a_time(center: Path, arguments: list[str]) -> None:
    assert verify(center, *arguments).exit_code == 2


def test_a_proof_of_a_leaf_is_checked_by_a_third_party(center: Path) -> None:
    proof = center / "proof.json"
    made = run("prove", "7", "--out", proof, "--config", center / "center.toml")

    done = run(
        "verify", "--proof", proof, "--trust", center / "pki" / "log-signer" / "verifier", "--json"
    )

    assert (made.exit_code, done.exit_code) == (0, 0), done.output
    leaf = json.loads(done.stdout)["result"]["leaves"][0]
    assert (leaf["leaf"], leaf["event"], leaf["resource"]) == (7, "COPY_ISSUED", "number-7")


def test_all_leaves_of_a_request_are_proven(center: Path) -> None:
    add_answer(center, REQUEST)
    proof = center / "proof.json"
    config = ("--config", center / "center.toml")
    assert run("prove", "--request", REQUEST, "--out", proof, *config).exit_code == 0

    done = verify(center, "--proof", proof, "--json")

    leaves = json.loads(done.stdout)["result"]["leaves"]
    assert [(one["leaf"], one["request"]) for one in leaves] == [
        (23, str(REQUEST)),
        (24, str(REQUEST)),
    ]


def test_a_changed_proof_is_refused(center: Path) -> None:
    proof = center / "proof.json"
    run("prove", "7", "--out", proof, "--config", center / "center.toml")
    document = json.loads(proof.read_text("utf-8"))
    document["leaves"][0]["leaf"] = 6
    proof.write_text(json.dumps(document), "utf-8")

    done = verify(center, "--proof", proof)

    assert (done.exit_code, "ROOT" in done.stderr) == (3, True)


def test_a_leaf_that_the_log_lacks_is_not_proven(center: Path) -> None:
    config = ("--config", center / "center.toml")
    lacking = run("prove", "23", *config), run("prove", "--request", REQUEST, *config)

    assert [one.exit_code for one in lacking] == [3, 3]


def test_witnesses_are_counted(center: Path) -> None:
    keys = center / "witnesses"
    keys.write_text(WitnessKey.of("witness.test", WITNESS).encode() + "\n", "ascii")
    with closing(sqlite3.connect(center / "center.db")) as sql, sql:
        note = sql.execute("SELECT checkpoint FROM audit_head").fetchone()[0]
        signed = cosign(checkpoints.parse(note), "witness.test", WITNESS, NOW)
        uncounted = verify_store(center, "--witness", keys, "--need", "1")
        sql.execute("UPDATE audit_head SET checkpoint = ?", (signed.note().encode(),))
    counted = verify_store(center, "--witness", keys, "--need", "1")

    assert named(uncounted) == ["WITNESSES_MISSING: (0 of 1)"]
    assert (counted.exit_code, "cosigned by witness.test" in counted.stdout) == (0, True)


def test_a_copy_is_never_written_over(center: Path) -> None:
    copy = export(center)

    assert run("export", copy, "--config", center / "center.toml").exit_code == 3
