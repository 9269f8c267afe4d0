"""The command line as scripts see it: envelopes, exit codes, what is on which stream."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from juki_client.outcome import Language
from juki_client.report import Report, end
from juki_pki.folder import PKIFolder
from juki_terminal.cli import app, main
from juki_terminal.cli.copies import naming_open_issue
from juki_terminal.cli.settings import Settings
from juki_terminal.config import TerminalConfig
from juki_terminal.journal import Entry, Journal, State
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from tests.unit.terminal.center_double import CopiesDouble
from tests.unit.terminal.conftest import PIN

LICENCE = {
    "kind": "driving_licence",
    "number": "30 12 345678-90",
    "name": "𠮷田　太郎",
    "birth": "昭和45年3月2日",
    "address": "埼玉県所沢市並木一丁目1番地の1",
    "municipality": "112089",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    envelope: dict[str, object]
    err: str

    @property
    def result(self) -> dict[str, object]:
        assert isinstance(self.envelope["result"], dict)
        return self.envelope["result"]

    @property
    def error(self) -> dict[str, object]:
        assert isinstance(self.envelope["error"], dict)
        return self.envelope["error"]


Run = Callable[..., Ended]


@pytest.fixture
def run(config: Path) -> Run:
    def run(*arguments: str, stdin: str = "", lang: str = "en") -> Ended:
        options = ["--config", str(config), "--json", "--lang", lang]
        ended = CliRunner().invoke(app, [*options, *arguments], input=stdin)
        # The runner echoes what is typed; a real terminal does that itself.
        envelope = json.loads(ended.stdout.splitlines()[-1])
        return Ended(ended.exit_code, envelope, ended.stderr)

    return run


def test_copy_by_card_is_issued_printed_and_confirmed(
    run: Run, copies: CopiesDouble, tmp_path: Path
) -> None:
    out = tmp_path / "copy.pdf"

    ended = run("copy", "issue", "--out", str(out), "--pin-from", "-", stdin=PIN)

    (report,) = copies.reports
    assert ended.code == 0
    assert ended.envelope["schema"] == "juki/1"
    assert ended.envelope["command"] == "copy issue"
    assert ended.result["state"] == "confirmed"
    assert ended.result["issue_number"] == "131016-20261123-000001-7K3Q"
    assert out.read_bytes().startswith(b"%PDF-")
    assert out.stat().st_mode & 0o777 == 0o600
    assert report.pdf_sha256.hex() == ended.result["pdf_sha256"]
    assert "PIN accepted" in ended.err


def test_copy_by_photo_document_is_issued(run: Run, tmp_path: Path) -> None:
    form = json.dumps({"photo_id": LICENCE})

    ended = run(
        "copy", "issue", "--photo-id", "--from", "-", "--out", str(tmp_path / "c.pdf"), stdin=form
    )

    assert (ended.code, ended.result["state"]) == (0, "confirmed")


def test_photo_document_is_asked_for_by_prompts(run: Run, tmp_path: Path) -> None:
    answers = "\n".join(
        LICENCE[key] for key in ("kind", "number", "name", "birth", "address", "municipality")
    )

    ended = run(
        "copy", "issue", "--photo-id", "--out", str(tmp_path / "c.pdf"), stdin=answers, lang="ja"
    )

    assert ended.code == 0
    assert "書類の番号" in ended.err


def test_members_are_asked_for_by_prompts(run: Run, copies: CopiesDouble, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text(PIN, encoding="ascii")
    out = str(tmp_path / "c.pdf")

    ended = run(
        "copy", "issue", "--member", "--relationship", "--code", "--pin-from", str(pin),
        "--out", out, stdin="𠮷田　花子\n昭和47年11月23日\n\n",
    )  # fmt: skip

    (request,) = copies.requests
    assert ended.code == 0
    assert request.scope == copies_pb.IssueCopyRequest.SCOPE_LISTED
    assert [subject.name for subject in request.subjects] == ["𠮷田　花子"]
    assert list(request.items) == [
        copies_pb.IssueCopyRequest.ITEM_RELATIONSHIP,
        copies_pb.IssueCopyRequest.ITEM_RESIDENT_CODE,
    ]


def test_wrong_pin_is_the_golden_envelope(run: Run, tmp_path: Path) -> None:
    ended = run(
        "copy",
        "issue",
        "--out",
        str(tmp_path / "c.pdf"),
        "--pin-from",
        "-",
        stdin="0000",
        lang="ja",
    )

    assert ended.code == 3
    assert ended.envelope == {
        "schema": "juki/1",
        "command": "copy issue",
        "ok": False,
        "error": {
            "reason": "PIN_WRONG",
            "part": "pin",
            "message": "暗証番号が違います。",
            "remedy": "残り回数を確かめて入れ直してください。",
            "retry": "new_request",
            "metadata": {"attemptsRemaining": "2"},
        },
    }
    assert not (tmp_path / "c.pdf").exists()


def test_cut_names_the_request_and_status_finishes_it(
    run: Run, copies: CopiesDouble, tmp_path: Path
) -> None:
    # The first call asks whether the center answers at all.
    copies.faults = ["", "after"]
    out = str(tmp_path / "copy.pdf")
    cut = run("copy", "issue", "--out", out, "--pin-from", "-", stdin=PIN)
    metadata = cut.error["metadata"]
    assert isinstance(metadata, dict)

    refused = run("copy", "issue", "--out", out, "--pin-from", "-", stdin=PIN)
    finished = run("copy", "status", metadata["requestId"], "--out", out)

    assert (cut.code, cut.error["reason"]) == (6, "OUTCOME_UNKNOWN")
    assert (refused.code, refused.error["reason"]) == (3, "COPY_UNFINISHED")
    assert (finished.code, finished.result["state"]) == (0, "confirmed")
    assert Path(out).exists()


def test_status_of_a_copy_whose_holder_has_moved_says_so_and_prints_nothing(
    run: Run, copies: CopiesDouble, tmp_path: Path
) -> None:
    copies.faults = ["", "after"]
    out = tmp_path / "copy.pdf"
    cut = run("copy", "issue", "--out", str(out), "--pin-from", "-", stdin=PIN)
    metadata = cut.error["metadata"]
    assert isinstance(metadata, dict)
    (issue,) = copies.issues.values()
    issue.print_state = copies_pb.PRINT_STATE_ABANDONED
    issue.recall_reason = copies_pb.RecallCopyRequest.RECALL_REASON_RESIDENT_MOVED

    ended = run("copy", "status", metadata["requestId"], "--out", str(out))

    assert (ended.code, ended.result["state"]) == (0, "abandoned")
    assert ended.result["recalled_because"] == "RESIDENT_MOVED"
    assert not out.exists()


def test_status_without_a_place_for_the_paper_says_so(
    run: Run, copies: CopiesDouble, tmp_path: Path
) -> None:
    copies.faults = ["", "after"]
    cut = run("copy", "issue", "--out", str(tmp_path / "c"), "--pin-from", "-", stdin=PIN)
    metadata = cut.error["metadata"]
    assert isinstance(metadata, dict)

    ended = run("copy", "status", metadata["requestId"])

    assert (ended.code, ended.error["reason"]) == (2, "USAGE_INVALID")


def test_paper_that_did_not_come_out_is_asked_for_and_printed_again(
    run: Run, copies: CopiesDouble, tmp_path: Path
) -> None:
    folder = tmp_path / "tray"
    folder.mkdir()
    cut = run("copy", "issue", "--out", str(folder), "--pin-from", "-", stdin=PIN)
    number = next(iter(copies.issues.values())).issue_number

    ended = run(
        "copy", "status", number, "--out", str(tmp_path / "c.pdf"), stdin="perhaps\nempty\n"
    )

    assert (cut.code, cut.error["reason"]) == (4, "PRINTER_FAILED")
    assert list(tmp_path.glob("*.part")) == []
    assert (ended.code, ended.result["attempt"]) == (0, 2)


def test_status_of_an_issue_of_an_older_journal_is_asked_of_the_center(
    run: Run, copies: CopiesDouble, tmp_path: Path
) -> None:
    issued = run("copy", "issue", "--out", str(tmp_path / "c"), "--pin-from", "-", stdin=PIN)
    (tmp_path / "terminal.journal").unlink()

    by_number = run("copy", "status", str(issued.result["issue_number"]))
    by_request = run("copy", "status", str(issued.result["request_id"]))
    unknown = run("copy", "status", "131016-20261123-000099-7K3Q")

    assert (by_number.result["state"], by_request.result["state"]) == ("printed", "printed")
    assert (unknown.code, unknown.error["reason"]) == (3, "ISSUE_NOT_FOUND")


@pytest.mark.parametrize(
    ("verdict", "code", "reason"),
    [
        (copies_pb.VerifyCopyResponse.VERDICT_VALID, 0, ""),
        (copies_pb.VerifyCopyResponse.VERDICT_RECALLED, 3, "COPY_RECALLED"),
        (copies_pb.VerifyCopyResponse.VERDICT_NOT_ISSUED, 3, "COPY_NOT_ISSUED"),
        (copies_pb.VerifyCopyResponse.VERDICT_ALTERED, 3, "COPY_ALTERED"),
        (copies_pb.VerifyCopyResponse.VERDICT_UNSPECIFIED, 3, "COPY_SIGNER_UNKNOWN"),
    ],
)
def test_verdict_on_a_copy_is_the_exit_code(
    run: Run,
    copies: CopiesDouble,
    tmp_path: Path,
    verdict: copies_pb.VerifyCopyResponse.Verdict.ValueType,
    code: int,
    reason: str,
) -> None:
    out = str(tmp_path / "copy.pdf")
    run("copy", "issue", "--out", out, "--pin-from", "-", stdin=PIN)
    copies.verdict = verdict

    ended = run("copy", "verify", out)

    assert ended.code == code
    assert ended.envelope["ok"] is (code == 0)
    assert reason == (ended.error["reason"] if code else "")
    assert "𠮷田" in (ended.err if code else str(ended.result["content"]))


def test_copy_is_verified_offline_by_the_named_trust_alone(
    run: Run, tmp_path: Path, pki: PKIFolder, other_pki: PKIFolder
) -> None:
    out = str(tmp_path / "copy.pdf")
    run("copy", "issue", "--out", out, "--pin-from", "-", stdin=PIN)

    known = run("copy", "verify", out, "--offline", "--trust", str(pki.trust_path))
    unknown = run("copy", "verify", out, "--offline", "--trust", str(other_pki.trust_path))

    assert (known.code, known.result["online"]) == (0, False)
    assert (unknown.code, unknown.error["reason"]) == (3, "COPY_SIGNER_UNKNOWN")


def test_altered_copy_is_refused(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "copy.pdf"
    run("copy", "issue", "--out", str(out), "--pin-from", "-", stdin=PIN)
    octets = bytearray(out.read_bytes())
    octets[len(octets) // 2] ^= 1
    out.write_bytes(octets)

    ended = run("copy", "verify", str(out))

    assert (ended.code, ended.error["reason"]) == (3, "COPY_ALTERED")


def test_card_status_tells_the_tries_without_using_one(run: Run) -> None:
    first = run("card", "status")
    run("copy", "issue", "--out", "unused", "--pin-from", "-", stdin="0000 0000 0000")
    second = run("card", "status")

    assert (first.result["pin"], first.result["tries_left"]) == ("usable", 3)
    assert (second.result["pin"], second.result["tries_left"]) == ("blocked", 0)


def test_readers_lists_the_configured_card_file(run: Run, card: Path) -> None:
    ended = run("readers")

    (reader,) = ended.result["readers"]  # type: ignore[misc]  # a list of one
    assert reader["name"] == f"virtual:{card}"
    assert reader["card"] is True


def test_doctor_finds_all_well(run: Run) -> None:
    ended = run("doctor")

    checks = ended.result["checks"]
    assert isinstance(checks, dict)
    assert ended.code == 0
    assert checks["identity"].startswith("juki://municipality/131016/terminal/01 until ")
    assert set(checks) == {"identity", "trust", "journal", "fonts", "hotlist", "reader", "center"}
    assert checks["hotlist"] == "none is configured"


def test_doctor_names_a_hotlist_that_was_never_fetched(run: Run, config: Path) -> None:
    with config.open("a") as file:
        file.write('[hotlist]\npath = "hotlist"\n')

    ended = run("doctor")

    assert (ended.code, ended.error["reason"]) == (3, "HOTLIST_TOO_OLD")


def test_flag_that_is_neither_true_nor_false_is_named(run: Run, config: Path) -> None:
    with config.open("a") as file:
        file.write('[hotlist]\npath = "hotlist"\nrequired = "yes"\n')

    ended = run("hotlist")

    assert (ended.code, ended.error["reason"]) == (2, "CONFIGURATION_INVALID")
    assert ended.error["metadata"]["key"] == "hotlist.required"  # type: ignore[index]  # JSON


def test_doctor_names_all_that_failed_and_exits_as_the_first(
    run: Run, config: Path, tmp_path: Path, copies: CopiesDouble
) -> None:
    copies.faults = ["ROLE_NOT_ALLOWED"]
    text = config.read_text(encoding="utf-8").replace("virtual:", "virtual:none-")
    config.write_text(text, encoding="utf-8")

    ended = run("doctor")

    metadata = ended.error["metadata"]
    assert isinstance(metadata, dict)
    assert (ended.code, ended.error["reason"]) == (4, "READER_NOT_FOUND")
    assert metadata["failed"] == "reader, center"


def test_center_that_is_away_is_exit_five_and_asks_for_no_pin(
    run: Run, config: Path, address: str, tmp_path: Path
) -> None:
    text = config.read_text(encoding="utf-8").replace(address, "127.0.0.1:1")
    config.write_text(text, encoding="utf-8")

    ended = run("copy", "issue", "--out", str(tmp_path / "c"), "--pin-from", "/none")

    assert (ended.code, ended.error["reason"]) == (5, "CENTER_UNREACHABLE")


def end_of(act: Callable[[], Report], capsys: pytest.CaptureFixture[str]) -> Ended:
    settings = Settings(Path("none.toml"), None, True, None, Language.ENGLISH)
    with pytest.raises(typer.Exit) as left:
        end(settings, "copy issue", act)
    out, err = capsys.readouterr()
    return Ended(left.value.exit_code, json.loads(out), err)


def test_defect_of_the_program_shows_its_place_and_not_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An unforeseen error may quote what a resident said."""

    def defect() -> Report:
        raise RuntimeError(LICENCE["name"])

    ended = end_of(defect, capsys)

    assert (ended.code, ended.error["reason"]) == (1, "TERMINAL_DEFECT")
    assert ended.error["metadata"] == {"kind": "RuntimeError"}
    assert "test_cli.py" in ended.err
    assert LICENCE["name"] not in ended.err + str(ended.envelope)


@pytest.mark.parametrize("broken", [KeyboardInterrupt, typer.Abort])
def test_break_while_an_issue_is_open_names_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, broken: type[BaseException]
) -> None:
    entry = Entry("7f0c1b1e-54cc-4f0c-8d6c-5b1b7a0e0001", State.PREPARED, 0, True, bytes(32))

    def broken_off() -> Report:
        with Journal(tmp_path / "journal") as journal, naming_open_issue(journal):
            journal.begin(entry)
            raise broken

    ended = end_of(broken_off, capsys)

    assert (ended.code, ended.error["reason"]) == (130, "INTERRUPTED")
    assert ended.error["metadata"] == {"requestId": entry.request_id, "state": "prepared"}


def test_input_that_ends_at_a_prompt_is_a_break_and_no_defect(run: Run, tmp_path: Path) -> None:
    ended = run("copy", "issue", "--photo-id", "--out", str(tmp_path / "c.pdf"), stdin="")

    assert (ended.code, ended.error["reason"]) == (130, "INTERRUPTED")


def test_break_with_nothing_open_names_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def broken_off() -> Report:
        raise KeyboardInterrupt

    ended = end_of(broken_off, capsys)

    assert (ended.code, ended.error["metadata"]) == (130, {})


@pytest.mark.parametrize(
    "arguments",
    [
        ["copy", "issue", "--from", "-", "--pin-from", "-", "--out", "x"],
        ["copy", "issue", "--household", "--member", "--out", "x"],
        ["copy", "issue", "--from", "/nonexistent", "--out", "x"],
        ["copy", "verify", "/nonexistent"],
    ],
)
def test_wrong_call_is_exit_two(run: Run, arguments: list[str]) -> None:
    ended = run(*arguments)

    assert (ended.code, ended.error["reason"]) == (2, "USAGE_INVALID")


@pytest.mark.parametrize("arguments", [["--json", "--nonsense"], ["--json", "copy", "issue"]])
def test_wrong_option_is_exit_two_in_the_form_that_was_asked_for(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["juki-terminal", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    envelope = json.loads(capsys.readouterr().out)
    assert ended.value.code == 2
    assert (envelope["ok"], envelope["error"]["reason"]) == (False, "USAGE_INVALID")


def test_command_that_ended_exits_with_its_code(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["juki-terminal", "--config", str(config), "card", "status"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0
    assert "usable" in capsys.readouterr().out


OPEN = Entry("0b6b7a3e-58a3-4a1c-9d3c-5c5f6f1d2e3f", State.PREPARED, 1, True, bytes(32))


def test_status_without_id_says_that_nothing_is_open(run: Run) -> None:
    ended = run("copy", "status")

    assert (ended.code, ended.result) == (0, {"open": False})


def test_status_without_id_shows_the_open_issue_and_leaves_it_open(run: Run, config: Path) -> None:
    path = TerminalConfig.load(config).journal
    with Journal(path) as journal:
        journal.begin(OPEN)

    ended = run("copy", "status")

    assert ended.code == 0
    assert (ended.result["request_id"], ended.result["state"]) == (OPEN.request_id, "prepared")
    with Journal(path) as journal:
        assert journal.open_entry() == OPEN


def test_status_without_id_but_with_a_place_finishes_the_open_issue(
    run: Run, config: Path, tmp_path: Path
) -> None:
    path = TerminalConfig.load(config).journal
    with Journal(path) as journal:
        journal.begin(OPEN)

    ended = run("copy", "status", "--out", str(tmp_path / "copy.pdf"))

    assert (ended.code, ended.result["state"]) == (0, "refused")
    with Journal(path) as journal:
        assert journal.open_entry() is None


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        ("", ("grpc", "cryptography", "typst", "pikepdf", "asn1crypto")),
        (".readers", ("grpc", "cryptography", "typst", "pikepdf", "asn1crypto")),
        (".copies", ("pikepdf", "asn1crypto")),
    ],
)
def test_command_loads_only_what_it_needs(command: str, unwanted: tuple[str, ...]) -> None:
    code = f"import sys, juki_terminal.cli{command}; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert not set(unwanted) & set(loaded.stdout.decode().split())
