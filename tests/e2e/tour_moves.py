"""The moves' part of the tour: a family by one card, too late, withdrawn, by paper, and within."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from tests.e2e.scenarios import refused
from tests.e2e.stage import Run
from tests.e2e.telling import Scenario
from tests.e2e.tour_cards import PIN, days_ago, know, number_of, window
from tests.e2e.tour_import import TOKOROZAWA, Row, generate, import_file
from tests.e2e.tour_office import (
    Office,
    arriving,
    movers,
    names_all,
    notice,
    offices,
    printed,
    roles,
    states,
    told_to_both,
    typed_paper,
)
from tests.e2e.tour_residents import done
from tests.e2e.tour_stage import TourStage
from tests.e2e.window import CHIYODA
from tests.support.pdf_text import pages_of

SETAGAYA = "131121"
TSUJI = ("tsuji-makoto", "tsuji-misaki", "tsuji-haruto")
PEOPLE = 100
FOUR = 4
OLD_MOVE = 25
"""Days ago; more than 14, also where the year's end puts the last day off, and fewer than 30."""
LATE_REASON = "入院していたため届け出られなかった"
IN_CHIYODA = {"address": "東京都千代田区麹町一丁目6番地2", "building_and_room": "麹町寮\u3000801"}
IN_KANDA = {"address": "東京都千代田区神田錦町三丁目22番地", "building_and_room": "錦荘\u30002階"}
IN_TOKOROZAWA = {"address": "埼玉県所沢市くすのき台一丁目11番地の1"}


def family(stage: TourStage) -> list[str]:
    """Return the codes of the next family of four of Tokorozawa, who have no cards; head first."""
    if not stage.families:
        path = stage.files / "families.csv"
        rows = generate(stage, path, PEOPLE, 53, TOKOROZAWA)
        imported = import_file(stage, path)
        assert imported.exit_code == 0, imported.said
        stage.families += [codes for codes in map(_codes, _households(rows)) if len(codes) == FOUR]
    return stage.families.pop()


def _households(rows: Sequence[Row]) -> list[list[Row]]:
    return [list(members) for _, members in groupby(rows, lambda row: row["household"])]


def _codes(members: Sequence[Row]) -> list[str]:
    living = [row for row in members if not row["state"]]
    return [row["code"] for row in living]


def card_for(stage: TourStage, code: str) -> Path:
    """Make a card for a resident of Tokorozawa, and hand it over with a PIN."""
    at, card = window(stage), window(stage).blank("family")
    application = number_of(at.apply(code))
    done(at.make(application, card))
    know(stage, card)
    done(at.hand_over(application, card, PIN, PIN))
    return card


def filed_by_post(stage: TourStage) -> str:
    """A family of four with one card writes to its city: no paper, and nobody comes."""
    city, _ = offices(stage)
    codes = family(stage)
    stage.cards["family"] = card_for(stage, codes[0])
    receipt, paper = stage.folder / "notice-receipt.pdf", stage.folder / "no-paper.pdf"
    people = city.records(codes)
    form = notice("SPECIAL", CHIYODA, people)

    run = city.agreed("out", "--out", str(paper), "--receipt", str(receipt), form=form)

    move = done(run)["move"]
    assert (move["kind"], move["state"]) == ("KIND_SPECIAL", "STATE_NOTIFIED"), move
    assert "certificate" not in run.result
    assert not paper.exists()
    for record in people:
        assert record["entries"]["name"] in run.said, "the summary does not say who moves"
    names_all(receipt, move["number"], people)
    assert move["number"] in city.listed("out")
    assert states(city.records(codes)) == {"ACTIVE"}
    stage.moves["family"], stage.moving["family"] = move["number"], people
    return f"{move['number']} NOTIFIED for {len(codes)}, until {move['last_day']}; no paper"


def broken_off(stage: TourStage) -> str:
    """A clerk who breaks off keeps the claim; given back, it may be fetched again."""
    _, destination = offices(stage)
    number, card = stage.moves["family"], stage.cards["family"]
    two_heads = [
        {**one, "relationship_to_householder": "世帯主"} for one in roles(stage.moving["family"])
    ]
    form = arriving(two_heads, IN_CHIYODA, moved_date=days_ago(0))

    wrong = destination.move("in", form=form, card=card, pin=PIN)
    fetched = destination.listed("in")
    elsewhere = Office(stage, SETAGAYA).move("in", form=form, card=card, pin=PIN)
    given_back = destination.move("abandon", number, "--yes")

    refused(wrong, "FIELD_INVALID")
    assert wrong.answer["error"]["metadata"]["rule"] == "ONE_HEAD"
    assert number in fetched
    refused(elsewhere, "MOVE_TAKEN_ELSEWHERE")
    assert done(given_back)["move"]["state"] == "STATE_NOTIFIED"
    assert number not in destination.listed("in")
    return f"fetched; in Setagaya: {elsewhere.reason}; given back: NOTIFIED"


def one_visit(stage: TourStage) -> str:
    """One visit to the new city's window, with one card and its PIN, for all four."""
    city, destination = offices(stage)
    number, people = stage.moves["family"], stage.moving["family"]
    codes = [record["code"] for record in people]
    card, receipt = stage.cards["family"], stage.folder / "arrival-receipt.pdf"
    form = arriving(roles(people), IN_CHIYODA, moved_date=days_ago(0))
    known_before = destination.knows(codes[0])

    run = destination.move("in", "--receipt", str(receipt), form=form, card=card, pin=PIN)
    after = window(stage).copy(card, PIN, config=stage.config)

    assert not known_before
    move = done(run)["move"]
    assert (move["state"], move["moved_count"]) == ("STATE_COMPLETED", FOUR), move
    old, new = city.records(codes), destination.records(codes)
    assert (states(old), states(new)) == ({"MOVED_OUT"}, {"ACTIVE"})
    assert all(there["version"] > here["version"] for here, there in zip(old, new, strict=True))
    for record in new:
        assert record["entries"]["address"] == IN_CHIYODA["address"]
        assert record["entries"]["previous_address"].startswith("埼玉県所沢市")
    refused(after, "CARD_REVOKED")
    told_to_both(city, destination, number)
    names_all(receipt, number, new)
    return (
        f"{number} COMPLETED; Tokorozawa: {len(old)} MOVED_OUT, alert ARRIVED; Chiyoda:"
        f" {len(new)} ACTIVE; the card right afterwards: {after.reason}"
    )


def too_late(stage: TourStage) -> str:
    """Moved more than 14 days ago: the card is not enough; a paper and a reason are."""
    stage.personal.add(LATE_REASON)
    destination, origin = offices(stage)
    key, out = "yamazaki-ken", stage.folder / "moving-out-late.pdf"
    people, moved = origin.records([stage.code(key)]), days_ago(OLD_MOVE)
    form = notice("SPECIAL", TOKOROZAWA, people, planned_ago=OLD_MOVE)
    number = str(done(origin.move("out", "--out", str(out), form=form))["move"]["number"])

    def brought(**ground: object) -> Run:
        came = arriving(roles(people), IN_TOKOROZAWA, **ground)
        return destination.move(
            "in", form=came, card=None if "paper" in ground else stage.card(key)
        )

    late = brought(moved_date=moved)
    issue = ("certificate", number, "--out", str(out), "--yes")
    kept = origin.move(*issue)
    paper = origin.move(*issue, "--give-up-special")
    text = printed(stage, paper, out)
    typed = typed_paper(paper, moved_date=moved)
    no_reason = brought(paper=typed)
    registered = brought(paper={**typed, "late_reason": LATE_REASON})

    refused(late, "DEADLINE_14")
    error = late.answer["error"]
    assert error["remedy"], error
    assert kept.exit_code != 0, "the special case was given up by the way"
    assert number in text
    refused(no_reason, "LATE_REASON_REQUIRED")
    move = done(registered)["move"]
    assert (move["state"], move["registered_late"]) == ("STATE_COMPLETED", True)
    assert states(destination.records([people[0]["code"]])) == {"ACTIVE"}
    refused(stage.issue(key, config=destination.config), "CARD_REVOKED")
    return (
        f"{late.reason}, last day {error['metadata']['lastDay']}: {error['remedy']} The paper"
        f" without a reason: {no_reason.reason}; with one: COMPLETED, marked late"
    )


def withdrawn(stage: TourStage) -> str:
    """A family stays after all: its card is good as before, and opens nothing elsewhere."""
    elsewhere, city = offices(stage)
    codes = [stage.code(key) for key in TSUJI]
    people = city.records(codes)
    form = notice("SPECIAL", TOKOROZAWA, people)
    out = str(stage.folder / "no-paper.pdf")
    number = str(done(city.move("out", "--out", out, form=form))["move"]["number"])
    second = city.move("out", "--out", out, form=form)

    cancelled = city.move("cancel", number, "--yes")
    copy = stage.issue(TSUJI[0], config=elsewhere.config)
    came = arriving(roles(people), IN_TOKOROZAWA, moved_date=days_ago(0))
    arrived = elsewhere.move("in", form=came, card=stage.card(TSUJI[0]))

    refused(second, "MOVE_OPEN")
    assert done(cancelled)["move"]["state"] == "STATE_CANCELLED"
    assert states(city.records(codes)) == {"ACTIVE"}
    assert done(copy)["issue_number"]
    refused(arrived, "NO_MOVE_OUT")
    assert not elsewhere.knows(codes[0])
    return f"a second notice: {second.reason}; CANCELLED; a copy issued; there: {arrived.reason}"


def by_paper(stage: TourStage) -> str:
    """Without a card, a paper says who moves; the newest one opens the move, once."""
    city, destination = offices(stage)
    codes = family(stage)
    people = city.records(codes)
    form = notice("ORDINARY", CHIYODA, people)
    first, again = stage.folder / "moving-out.pdf", stage.folder / "moving-out-again.pdf"
    filed = city.move("out", "--out", str(first), form=form)
    number = str(done(filed)["move"]["number"])
    reissued = city.move("certificate", number, "--out", str(again), "--yes")
    texts = [printed(stage, filed, first), printed(stage, reissued, again)]

    def brought(paper: Mapping[str, object]) -> Run:
        return destination.move("in", form=arriving(roles(people), IN_KANDA, paper=paper))

    paper = typed_paper(reissued)
    old = brought(typed_paper(filed))
    unknown = brought({**paper, "move_number": stage.moves["family"]})
    registered = brought(paper)
    used = brought(paper)

    shown = (number, f"{FOUR}人", *(record["entries"]["name"] for record in people))
    assert all(text in page for page in texts for text in shown)
    assert ["再交付（2回目）" in page for page in texts] == [False, True]
    assert (old.reason, unknown.reason) == ("CERTIFICATE_NOT_FOUND",) * 2, (old, unknown)
    assert done(registered)["move"]["state"] == "STATE_COMPLETED"
    refused(used, "MOVE_ALREADY_COMPLETED")
    assert states(city.records(codes)) == {"MOVED_OUT"}
    assert states(destination.records(codes)) == {"ACTIVE"}
    told_to_both(city, destination, number)
    return (
        f"moving-out.pdf, and 再交付; the older paper's code: {old.reason}, another number:"
        f" {unknown.reason}; the newest: COMPLETED, once more: {used.reason}"
    )


def within(stage: TourStage) -> str:
    """A family moves within its city: no notice before, and the cards stay."""
    elsewhere, city = offices(stage)
    people = city.records([stage.code(key) for key in TSUJI])
    receipt, paper = stage.folder / "within-receipt.pdf", stage.folder / "copy-within.pdf"
    form = {
        "movers": [a | b for a, b in zip(movers(people), roles(people), strict=True)],
        "place": IN_KANDA,
        "same_household": True,
        "moved_date": days_ago(0),
    }

    run = city.move("within", "--receipt", str(receipt), form=form)
    copy = stage.issue(TSUJI[0], out=paper, config=elsewhere.config)

    new = [one["record"] for one in done(run)["registered"]]
    assert {record["change"]["reason"] for record in new} == {"CHANGE_REASON_MOVE_WITHIN"}
    assert {record["entries"]["address"] for record in new} == {IN_KANDA["address"]}
    assert receipt.read_bytes().startswith(b"%PDF")
    assert done(copy)["issue_number"]
    assert IN_KANDA["address"] in "".join(pages_of(paper.read_bytes()))
    return f"{len(new)} at the new address; the card issues a copy that shows it"


MOVES = (
    Scenario("A family of four with one card files by post", filed_by_post),
    Scenario("Fetched, broken off, and given back", broken_off),
    Scenario("One visit, and all four have moved", one_visit),
    Scenario("Too late for the card", too_late),
    Scenario("A move that is withdrawn", withdrawn),
    Scenario("A move by paper", by_paper),
    Scenario("A move within the city", within),
)
