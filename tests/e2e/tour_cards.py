"""The cards' part of the tour: applied for by both ways, made, handed over, locked, lost, found."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from juki_card.passwords import Pin, TransportPin
from juki_card.virtual.memory import CardMemory, PinRecord
from juki_cardbox.cardfile import CardFile
from juki_center.areas.days import day_in_japan
from juki_client.outcome import Problem
from juki_desk.center import Center as DeskCenter
from juki_desk.config import DeskConfig
from juki_terminal.application import CardProof
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.e2e.card_life import DESK_CLERK, LICENCE, TWO, CardLife, can_of
from tests.e2e.mortal import fatal_events, mortal_windows
from tests.e2e.scenarios import refused
from tests.e2e.stage import Run
from tests.e2e.storm import Fuse
from tests.e2e.suspension_race import opened_desk, race
from tests.e2e.telling import Scenario
from tests.e2e.tour_import import TOKOROZAWA, generate, import_file
from tests.e2e.tour_residents import done
from tests.e2e.tour_stage import TourStage
from tests.e2e.window import opened_window
from tests.support.photos import jpeg

PIN, WRONG = "7135", "9172"
OBVIOUS = ("1111", "1234", "9012", "4321", "123", "12345", "12a4", "１２３５")
PEOPLE = 60
FEE_YEN = 500
_BIRTH = re.compile(r"昭和\d+年(\d+)月(\d+)日")


class Window(CardLife):
    """The residence's window of the tour: what is typed and what comes back is remembered."""

    def clerk(
        self,
        *arguments: str,
        form: Mapping[str, object] | None = None,
        card: Path | None = None,
        **entries: str,
    ) -> Run:
        run = super().clerk(*arguments, form=form, card=card, **entries)
        assert isinstance(self.stage, TourStage)
        self.stage.remember([form, run.answer])
        return run


def window(stage: TourStage) -> Window:
    """Return the window of Tokorozawa."""
    for text in (DESK_CLERK, str(LICENCE["number"])):
        stage.personal.add(text)
    return Window(stage, stage.residence_config, stage.files)


def applicant(stage: TourStage) -> str:
    """Return the code of the next grown-up resident of Tokorozawa who has no card."""
    if not stage.without_card:
        path = stage.files / "without-card.csv"
        rows = generate(stage, path, PEOPLE, 41, TOKOROZAWA)
        imported = import_file(stage, path)
        assert imported.exit_code == 0, imported.said
        stage.without_card += [
            (row["code"], row["birth"])
            for row in rows
            if _BIRTH.fullmatch(row["birth"]) and not row["state"]
        ]
    code, birth = stage.without_card.pop()
    stage.births[code] = birth
    return code


def birthday_pin(birth: str) -> str:
    """Return month and day of a birth, which is no PIN to be chosen."""
    found = _BIRTH.fullmatch(birth)
    assert found is not None
    return f"{int(found[1]):02}{int(found[2]):02}"


def number_of(run: Run) -> str:
    """Return the number of the application that a command answered with."""
    return str(done(run)["application"]["number"])


def chip(card: Path) -> CardMemory:
    """Return what is in a chip, as only its maker could look at it."""
    return CardFile(card).load()


def know(stage: TourStage, card: Path) -> None:
    """Keep the numbers of a card that must be found nowhere: from its face and from its chip."""
    memory = chip(card)
    stage.numbers.add(can_of(card))
    if isinstance(memory.pin.value, TransportPin | Pin):
        stage.numbers.add(memory.pin.value.octets().decode("ascii"))


def table(stage: TourStage, name: str, *command: str) -> None:
    """Leave what an operator's command says to people as evidence."""
    run = stage.operator(*command, "--config", str(stage.center_config))
    assert run.exit_code == 0, run.said
    (stage.folder / name).write_text(run.said, encoding="utf-8")


def days_ago(days: int) -> str:
    return (day_in_japan(datetime.now(UTC)) - timedelta(days=days)).isoformat()


def applied_for_on_the_same_day(stage: TourStage) -> str:
    """A photo document at the counter: approved at once, if the photo is one."""
    at, code = window(stage), applicant(stage)
    photo = jpeg()
    stage.pictures.add(photo)
    files = {"good": photo, "large": photo + bytes(5 << 20), "png": b"\x89PNG\r\n\x1a\n" * 40}
    for name, octets in files.items():
        (stage.files / f"{name}.jpg").write_bytes(octets)

    def apply(name: str, days: int) -> Run:
        path = str(stage.files / f"{name}.jpg")
        options = ("--photo", path, "--taken-on", days_ago(days))
        return at.apply(code, *options, style="CARD_STYLE_2")

    large, png, old = apply("large", 20), apply("png", 20), apply("good", 215)
    taken = apply("good", 20)
    second = apply("good", 20)

    assert large.exit_code != 0, "a photo of 5 MB was taken"
    assert png.exit_code != 0, "a photo that is none was taken"
    refused(old, "PHOTO_TOO_OLD")
    refused(second, "APPLICATION_OPEN")
    assert done(taken)["application"]["state"] == "APPLICATION_STATE_APPROVED"
    stage.applications["photo"] = number_of(taken)
    return (
        f"{stage.applications['photo']} APPROVED; {large.reason}, {png.reason}, {old.reason};"
        f" a second one: {second.reason}"
    )


def applied_for_by_letter(stage: TourStage) -> str:
    """At a branch office a letter goes to the address; only its own number counts."""
    at = window(stage)
    code, other = applicant(stage), applicant(stage)
    paper = stage.folder / "letter.pdf"
    branch = {"place": "PLACE_BRANCH"}
    first = at.apply(code, "--out", str(paper), **branch)
    others = at.apply(other, "--out", str(stage.files / "other-letter.pdf"), **branch)
    letter, wrong = (done(run)["letter"]["number"] for run in (first, others))
    stage.personal |= {letter, wrong, letter[1:], wrong[1:]}
    assert done(first)["application"]["state"] == "APPLICATION_STATE_INQUIRY_SENT"
    assert paper.read_bytes().startswith(b"%PDF")

    rejected = reply(at, number_of(first), wrong).result["application"]
    again = at.apply(code, "--out", str(paper), **branch)
    right = done(again)["letter"]["number"]
    stage.personal |= {right, right[1:]}
    approved = done(reply(at, number_of(again), right))["application"]

    assert rejected["state"] == "APPLICATION_STATE_REJECTED"
    assert approved["state"] == "APPLICATION_STATE_APPROVED"
    stage.applications["letter"] = str(approved["number"])
    return (
        f"letter.pdf, reply until {done(again)['letter']['reply_until']}; another letter's number:"
        f" REJECTED, {rejected['end_reason']}; a second visit: APPROVED"
    )


def reply(at: Window, application: str, letter: str) -> Run:
    """Bring the reply to a letter."""
    form = {
        "letter_number": letter,
        "brought_by_applicant": True,
        "documents": [LICENCE],
        "oral_questions_answered": True,
    }
    return at.clerk("application", "reply", application, "--yes", form=form)


def made_at_the_reader(stage: TourStage) -> str:
    """A terminal dies (-9) in the middle of the making; the same card is finished."""
    at, application = window(stage), stage.applications["photo"]
    card = at.blank("photo")
    spare = at.blank("spare")
    with mortal_windows(stage.folder, stage.center.address, stage.files / "mortal") as windows:
        assert windows.run("make", spare, application=stage.applications["letter"]).reason == ""
        steps = fatal_events(windows.events(), every=False)
        fatal = steps[len(steps) // 2].number
        assert windows.run("make", card, fatal=fatal, application=application).killed
    know(stage, spare)
    half = done(at.clerk("card", "open"))["personalisations"]
    made = done(at.make(application, card))
    know(stage, card)
    left = done(at.clerk("card", "open"))["personalisations"]
    again = done(at.make(application, card))
    used = at.make(number_of(at.apply(applicant(stage))), card)
    face = stage.folder / "face.png"
    done(at.clerk("card", "print-face", application, "--out", str(face)))

    assert len(half) == 1, half
    assert left == []
    assert (again["card_number"], again["written_before"]) == (made["card_number"], True)
    refused(used, "CARD_NOT_BLANK")
    assert face.read_bytes().startswith(b"\x89PNG")
    shown = at.clerk("card", "show", str(made["card_number"]), form={})
    assert done(shown)["cards"][0]["state"] == "CARD_STATE_MADE"
    stage.cards["photo"], stage.cards["letter"] = card, spare
    return (
        f"killed at event {fatal} of the making, one open; finished: {made['card_number']}, none"
        f" open; for another applicant: {used.reason}; face.png"
    )


def handed_over(stage: TourStage) -> str:
    """The holder sets the PIN; obvious ones are refused, and the card is in use afterwards."""
    at, application, card = window(stage), stage.applications["photo"], stage.cards["photo"]
    transport = chip(card).pin
    birthday = birthday_pin(stage.births[card_code(card)])
    chosen = (*OBVIOUS, birthday)
    reasons = {pin: at.hand_over(application, card, pin, pin).reason for pin in chosen}
    untouched = chip(card).pin
    differing = at.hand_over(application, card, PIN, WRONG)
    handed = done(at.hand_over(application, card, PIN, PIN))
    ledger = ("cards", "fees", "--municipality", TOKOROZAWA, "--from", days_ago(1))
    ledger += ("--to", days_ago(0))
    fees = stage.operate(*ledger)

    assert all(reasons.values()), reasons
    assert untouched == transport, "an obvious PIN reached the card"
    refused(differing, "PIN_ENTRIES_DIFFER")
    assert handed["application"]["state"] == "APPLICATION_STATE_DELIVERED"
    assert handed["card"]["state"] == "CARD_STATE_ACTIVE"
    assert done(fees)["totalYen"] == FEE_YEN, fees.answer
    table(stage, "fees.txt", *ledger)
    stage.applications["number"] = str(handed["card"]["number"])
    told = ", ".join(sorted(set(reasons.values())))
    return f"{len(chosen)} PINs refused ({told}), the card untouched; ACTIVE, {FEE_YEN} yen"


def locked_and_unlocked(stage: TourStage) -> str:
    """Three wrong PINs lock the card at every terminal; the window gives the tries back."""
    at, card, number = window(stage), stage.cards["photo"], stage.applications["number"]
    locked = at.copy(card, WRONG, "9173", "9174")
    elsewhere = at.copy(card, PIN, config=stage.config)
    one = at.clerk(
        *("card", "unlock", number, "--yes", "--keep"),
        form={"documents": [LICENCE]},
        card=card,
        can_from=can_of(card),
        pin_from=PIN,
    )
    done(at.unlock(number, card, "--keep", pin_from=PIN))
    right = at.copy(card, PIN, config=stage.config)

    refused(locked, "PIN_LOCKED")
    refused(elsewhere, "PIN_LOCKED")
    refused(one, "TWO_DOCUMENTS_REQUIRED")
    assert done(right)["issue_number"]
    assert tries(card) == 3
    return "PIN_LOCKED here and elsewhere; one document: refused; two: unlocked, a copy issued"


def tries(card: Path) -> int:
    pin: PinRecord = chip(card).pin
    return pin.tries_left


def stopped_by_telephone(stage: TourStage) -> str:
    """The desk stops a card between authentication and issue: no paper comes out."""
    at, card, number = window(stage), stage.cards["photo"], stage.applications["number"]
    with opened_window(stage.folder, stage.center.address, Fuse(lambda _: None), name="02") as city:
        person = city.authenticate(card, PIN)
        began = time.monotonic()
        stopped = at.report_loss({"card_number": number})
        reason = ""
        try:
            city.issue_to(CardProof(person.session_id, person.transcript_hash))
        except Problem as problem:
            reason = problem.reason
        took = time.monotonic() - began
    assert done(stopped)["stopped"] is True
    assert reason == "CARD_SUSPENDED", reason
    assert tries(card) == 3
    return (
        f"stopped since {stopped.result['suspend_time']}; the running session: {reason},"
        f" {took * 1e3:.0f} ms after the desk's command"
    )


def stopped_while_used(stage: TourStage) -> str:
    """Cards that are used all the time are stopped: how soon a terminal refuses them."""
    keys = ("tsuji-misaki", "kamiya-yuki", "watanabe-aoi", "goto-nana", "katsuragi-sho")
    found = []
    with (
        opened_window(stage.folder, stage.center.address, Fuse(lambda _: None), name="02") as city,
        opened_desk(stage.folder / "desk.toml") as desk,
    ):
        for turn, key in enumerate(keys):
            code = stage.code(key)
            found.append(race(city, desk, key, code, after_seconds=0.03 * turn))
    assert sum(one.late for one in found) == 0
    refusals = sorted(one.refused * 1e3 for one in found)
    answers = sorted(one.answered * 1e3 for one in found)
    middle = len(found) // 2
    return (
        f"{len(found)} cards; from the desk's command to its answer {answers[middle]:.0f} ms"
        f" (longest {answers[-1]:.0f}), to the refusal at a terminal {refusals[middle]:.0f} ms"
        f" (longest {refusals[-1]:.0f})"
    )


def not_resumed_by_telephone(stage: TourStage) -> str:
    """Found again: by telephone nothing, in person with card and two documents everything."""
    at, card, number = window(stage), stage.cards["photo"], stage.applications["number"]
    assert at.desk("resume").exit_code == 2, "the desk has a command to resume"
    by_desk = ""
    with DeskCenter.of(DeskConfig.load(stage.folder / "desk.toml")) as center:
        try:
            center.call(center.cards.ResumeCard, pb.ResumeCardRequest())
        except Problem as problem:
            by_desk = problem.reason
    resumed = at.clerk(
        *("card", "resume", number, "--yes"), form=TWO, card=card, can_from=can_of(card)
    )
    assert by_desk == "ROLE_NOT_ALLOWED", by_desk
    assert done(resumed)["card"]["state"] == "CARD_STATE_ACTIVE"
    return f"the desk: no command, and {by_desk}; in person: ACTIVE"


def reissued_and_found(stage: TourStage) -> str:
    """A lost card is replaced: the old one never comes back, even when it is found."""
    at, card, number = window(stage), stage.cards["photo"], stage.applications["number"]
    code = card_code(card)
    form = {"code": code, "style": "CARD_STYLE_1", "place": "PLACE_COUNTER", **TWO}
    report = {"reason": "REASON_LOST", "police_report": "所沢 第4711号"}
    stage.personal.add("所沢 第4711号")
    replaced = at.clerk("card", "reissue", "--yes", form={"form": form, "lost": report})
    application, second = number_of(replaced), at.blank("second")
    done(at.make(application, second))
    know(stage, second)
    done(at.hand_over(application, second, PIN, PIN))
    resume = at.clerk(
        *("card", "resume", number, "--yes"), form=TWO, card=card, can_from=can_of(card)
    )
    old = at.copy(card, PIN, config=stage.config)
    new = at.copy(second, PIN, config=stage.config)
    back = at.clerk("card", "return", number, "--yes", card=card, can_from=can_of(card))

    refused(resume, "NOT_IN_THIS_STATE")
    refused(old, "CARD_REVOKED")
    assert done(new)["issue_number"]
    assert done(back)["card"]["state"] == "CARD_STATE_REVOKED"
    assert done(back)["card"]["return_time"]
    return f"the old one: {old.reason} for ever, and handed in; the new one: a copy issued"


def card_code(card: Path) -> str:
    """Return the code in a chip, as only its maker could."""
    file = next(file for file in chip(card).files if file.identifier == 0x0101)
    return file.content[-11:].decode("ascii")


def kept_and_deleted(stage: TourStage) -> str:
    """What is kept of applications and cards, since when, and what is due."""
    told = done(stage.operate("cards", "retention"))["kinds"]
    kept = {row["kind"]: (row["kept"], row["due"]) for row in told}
    table(stage, "retention.txt", "cards", "retention")
    notes = stage.operate("cards", "notes", "--number", stage.applications["number"])
    kinds = [str(note.get("kind", note.get("event", ""))) for note in done(notes)["notes"]]
    assert len(kinds) >= 3, notes.answer
    assert kept["photos"] == (1, 0), told
    assert set(kept) >= {"papers", "secrets", "notes"}, told
    texts = ", ".join(f"{count} {kind}" for kind, (count, _) in kept.items())
    return f"retention.txt: {texts}; {len(kinds)} notes to the lost card"


CARDS = (
    Scenario("A card on the same day, with photo", applied_for_on_the_same_day),
    Scenario("A card by inquiry letter", applied_for_by_letter),
    Scenario("A card is made, cut off, and finished", made_at_the_reader),
    Scenario("A card is handed over with a PIN of its holder's", handed_over),
    Scenario("A locked card is unlocked at the window", locked_and_unlocked),
    Scenario("A lost card is stopped by telephone, and that wins", stopped_by_telephone),
    Scenario("How soon a stopped card is refused", stopped_while_used),
    Scenario("Resumed in person only", not_resumed_by_telephone),
    Scenario("Replaced, and found again", reissued_and_found),
    Scenario("What is kept of cards", kept_and_deleted),
)
