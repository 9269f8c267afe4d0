"""What a sceptic asks of the whole way, each as a function that plays it and judges it.

A scenario returns its evidence in a line and raises AssertionError where something is not as it
should be. The end-to-end tests and the demonstration run these functions and no others.
"""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import replace
from pathlib import Path

from google.rpc.error_details_pb2 import ErrorInfo

from juki_card import ec
from juki_cardbox.cardfile import CardFile
from juki_center.storage.samples import read_samples
from juki_terminal.paper.attachment import extract_signed_content
from juki_terminal.paper.envelope import open_envelope
from juki_terminal.paper.render import render
from tests.e2e.stage import Run, Stage
from tests.e2e.telling import Scenario
from tests.support.foreign_terminal import foreign_terminal
from tests.support.renderings import found_in, renderings

APPLICANT = "yoshida-taro"
ISSUED, REFUSED, READER_OR_CARD, UNREACHABLE = 0, 3, 4, 5


def refused(run: Run, reason: str, code: int = REFUSED) -> str:
    """Require that a run was refused for a reason; return what the clerk reads."""
    assert (run.exit_code, run.reason) == (code, reason), (run.exit_code, run.answer, run.said)
    message = str(run.answer["error"]["message"])
    assert message
    return message


def no_paper(stage: Stage, key: str) -> None:
    """Require that nothing lies in the tray."""
    assert not (stage.folder / "paper" / f"{key}.pdf").exists()


def copy_at_another_window(stage: Stage) -> str:
    """A resident of Tokorozawa gets a copy in Chiyoda, by card and PIN."""
    paper = stage.folder / "copy.pdf"
    paper.unlink(missing_ok=True)
    run = stage.issue(APPLICANT, out=paper)

    assert run.exit_code == ISSUED, (run.answer, run.said)
    signed = extract_signed_content(paper.read_bytes())
    content = open_envelope(signed).content
    (person,) = content.persons
    assert person.name.startswith("\U00020bb7田"), "the right variant of the name"
    assert content.residence.code == "112089"
    assert content.issuer.code == "131016"
    record = next(sample.record for sample in read_samples() if sample.key == APPLICANT)
    assert found_in(signed, record.address), "the search itself is blind"
    assert not found_in(signed, record.registered_domicile)
    assert not found_in(signed, stage.code(APPLICANT))
    (stage.folder / "copy.png").write_bytes(render(signed).png()[0])
    return f"{content.residence.name} at {content.issuer.name}: {run.result['issue_number']}"


def wrong_pin_three_times(stage: Stage) -> str:
    """Three wrong PINs stop the card, and then the right one does not help."""
    key = "takahashi-ichiro"
    first = stage.issue(key, pins=("0000",))
    second = stage.issue(key, pins=("0001",))
    third = stage.issue(key, pins=("0002",))
    right = stage.issue(key)

    left = [run.answer["error"]["metadata"].get("attemptsRemaining") for run in (first, second)]
    assert [refused(first, "PIN_WRONG"), refused(second, "PIN_WRONG")]
    assert left == ["2", "1"]
    refused(third, "PIN_LOCKED")
    refused(right, "PIN_LOCKED")
    no_paper(stage, key)
    return "tries left 2, 1, then PIN_LOCKED; the right PIN: PIN_LOCKED"


def suspended_card(stage: Stage) -> str:
    """A card that was reported lost is refused, and keeps its tries."""
    key = "takahashi-kazuko"
    config = str(stage.folder / "center.toml")
    done = stage.operator(
        "cards", "suspend", "--config", config, "--from", "-", stdin=stage.code(key) + "\n"
    )
    assert done.exit_code == 0, done.said
    run = stage.issue(key)

    message = refused(run, "CARD_SUSPENDED")
    assert CardFile(stage.card(key)).load().pin.tries_left == 3
    assert _apdus(run) < 18, "the code was read from a suspended card"
    no_paper(stage, key)
    return f"CARD_SUSPENDED: {message}"


def card_that_is_not_genuine(stage: Stage) -> str:
    """A clone with the right code and PIN, but not the chip's key, is found out."""
    paper = stage.folder / "clone.pdf"
    paper.unlink(missing_ok=True)
    run = stage.issue(APPLICANT, card=clone_of(stage, APPLICANT), out=paper)

    refused(run, "CARD_NOT_AUTHENTIC")
    assert not paper.exists()
    assert _apdus(run) < 18, "the code was read from a clone"
    return f"CARD_NOT_AUTHENTIC after {_apdus(run)} APDUs"


def clone_of(stage: Stage, key: str) -> Path:
    """Copy a card as a thief could: every file, the PIN too, but not the key in the chip."""
    memory = CardFile(stage.card(key)).load()
    path = stage.folder / "clone.card"
    path.unlink(missing_ok=True)
    CardFile(path).create(replace(memory, chip_key=ec.private_key(ec.P256, 4711)))
    return path


def terminal_of_another_authority(stage: Stage) -> str:
    """A terminal whose certificate another authority made does not get through."""
    config = foreign_terminal(stage.folder)
    run = stage.issue("sato-kazu", config=config)

    message = refused(run, "CENTER_UNREACHABLE", UNREACHABLE)
    no_paper(stage, "sato-kazu")
    assert run.counted["apdus"] == 0, "a card was spoken to"
    assert stage.center.is_ready(), "the center itself is away"
    return f"the TLS handshake fails: {message}"


def registered_domicile_asked_for(stage: Stage) -> str:
    """A wide-area copy never shows the registered domicile."""
    run = stage.issue("sato-kazu", "--domicile")

    refused(run, "ITEM_NOT_PERMITTED")
    no_paper(stage, "sato-kazu")
    return "ITEM_NOT_PERMITTED"


def protected_resident(stage: Stage) -> str:
    """A protected resident gets the neutral text, and so does their whole household."""
    alone = refused(stage.issue("sasaki-megumi"), "ISSUE_SUPPRESSED")
    household = refused(stage.issue("sasaki-setsuko", "--household"), "ISSUE_SUPPRESSED")

    assert alone == household
    assert "protect" not in alone.lower()
    return f"ISSUE_SUPPRESSED, twice the same words: {alone}"


def center_killed_in_the_middle(stage: Stage) -> str:
    """The center dies between commit and answer; the retry gets the same issue number."""
    note = stage.folder / "cut-note"
    note.unlink(missing_ok=True)
    stage.center.stop()
    stage.center.start(cut="issue:committed", cut_note=str(note))
    reborn = threading.Thread(target=_revive, args=(stage,))
    reborn.start()
    run = stage.issue("sato-kasu")
    reborn.join()

    assert run.exit_code == ISSUED, (run.answer, run.said)
    assert run.result["issue_number"] == note.read_text(encoding="ascii")
    again = stage.terminal("copy", "status", run.result["request_id"])
    assert again.result["issue_number"] == run.result["issue_number"]
    return f"kill -9 after the commit; the retry: {run.result['issue_number']}"


def _revive(stage: Stage) -> None:
    if stage.center.wait_for_death(60):
        stage.center.start()


def no_byte_of_the_code(stage: Stage) -> str:
    """In all that a terminal handles, the resident record code does not occur."""
    code = stage.code(APPLICANT)
    octets = stage.recorded_issue(APPLICANT)

    assert found_in(octets + code.encode("utf-16-be"), code), "the search itself is blind"
    hits = found_in(octets, code)
    assert not hits, hits
    return f"{len(octets):,} bytes searched in {len(renderings(code))} forms: 0 hits"


def one_byte_changed(stage: Stage) -> str:
    """A copy with one changed byte of content is refused."""
    paper = stage.folder / "copy.pdf"
    if not paper.exists():
        copy_at_another_window(stage)
    verdict = stage.terminal("copy", "verify", str(paper))
    assert verdict.exit_code == 0, verdict.answer
    octets = bytearray(paper.read_bytes())
    place = octets.index(b"stream\n", len(octets) // 3) + 60
    octets[place] ^= 0x01
    forged = stage.folder / "forged.pdf"
    forged.write_bytes(octets)

    run = stage.terminal("copy", "verify", str(forged))

    assert run.exit_code == REFUSED, (run.answer, run.said)
    return f"the copy: valid; byte {place} changed: {run.reason}"


def stock_tools_speak(stage: Stage) -> str:
    """Tools that know nothing of us read our certificate and call our center."""
    certificate = stage.folder / "pki" / "cv" / "at-center-auth" / "certificate.cvcert"
    printed = stage.stock("cvc-print", f"--cvc={certificate}")
    assert printed.exit_code == 0, printed.said
    assert "Authentication terminal" in printed.said, printed.said
    assert "Read DG 1" in printed.said, printed.said
    pki = stage.folder / "pki"
    terminal = pki / "terminal" / "131016-01"
    called = stage.stock(
        *("buf", "curl", "--protocol", "grpc", "--cacert", str(pki / "trust" / "root.pem")),
        *("--cert", str(terminal / "chain.pem"), "--key", str(terminal / "key.pem")),
        *("--data", '{"requestId":"00000000-0000-4000-8000-000000000000"}'),
        f"https://{stage.center.address}/jukinet.copies.v1.CertificateCopyService/GetIssue",
    )

    assert error_reasons(called.said) == ["ISSUE_NOT_FOUND"], called.said
    return "cvc-print reads the AT certificate; buf curl gets ISSUE_NOT_FOUND"


def error_reasons(printed: str) -> list[str]:
    """Return the reasons in an error as `buf curl` prints it, each detail in base64."""
    details = json.loads(printed)["details"]
    infos = [d["value"] for d in details if d["type"] == "google.rpc.ErrorInfo"]
    padded = [base64.b64decode(value + "=" * (-len(value) % 4)) for value in infos]
    return [ErrorInfo.FromString(octets).reason for octets in padded]


def _apdus(run: Run) -> int:
    return run.counted["apdus"]


SCENARIOS = (
    Scenario("A copy at another city's window, by card and PIN", copy_at_another_window),
    Scenario("Three wrong PINs stop the card", wrong_pin_three_times),
    Scenario("A suspended card is refused", suspended_card),
    Scenario("A card that is not genuine is found out", card_that_is_not_genuine),
    Scenario("A terminal of another authority gets nothing", terminal_of_another_authority),
    Scenario("The registered domicile is never given", registered_domicile_asked_for),
    Scenario("A protected resident is not given away", protected_resident),
    Scenario("Killed in the middle, issued once", center_killed_in_the_middle),
    Scenario("The terminal never sees the resident code", no_byte_of_the_code),
    Scenario("One changed byte, and the paper is refused", one_byte_changed),
    Scenario("Stock tools read and call us", stock_tools_speak),
)
