"""Clerks at the terminals of two municipalities and a center in a process of its own: moves.

Cases 22, 23, 25, 26 and 27 as clerks meet them: by card, by paper, too late, withdrawn, a suspended
card.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from juki_center.cli import dev_folder, dev_texts
from tests.e2e.moving import (
    CHIYODA,
    NAHA,
    TOKOROZAWA,
    Offices,
    born_into,
    day,
    household,
    moved_by_paper,
    place,
    verification,
    window_of,
)
from tests.support.center_process import CenterProcess
from tests.support.pdf_text import pages_of
from tests.support.register_service import code_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    folder = tmp_path_factory.mktemp("moves")
    with CenterProcess(folder, is_forked=True) as center:
        yield Offices(window_of(center, TOKOROZAWA), window_of(center, CHIYODA))


@pytest.fixture(scope="module")
def offices_of_2023(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    """The same offices under the law of 2023: the destination expects who comes, cards go on."""
    folder = tmp_path_factory.mktemp("moves-of-2023")
    text = dev_texts.center_toml(dev_folder.NODE).replace("2003-08", "2023-02-06")
    (folder / "center.toml").write_text(text, encoding="utf-8")
    with CenterProcess(folder, is_forked=True) as center:
        yield Offices(window_of(center, TOKOROZAWA), window_of(center, CHIYODA))


def test_case_23_family_of_four_moves_with_one_card(offices: Offices) -> None:
    origin, destination = offices.tokorozawa, offices.chiyoda
    taro, hanako, sakura = (code_of(f"yoshida-{name}") for name in ("taro", "hanako", "sakura"))
    family = (taro, hanako, sakura, born_into(origin, taro))
    receipt = destination.papers / "family.pdf"

    out = origin.move_out(CHIYODA, *family)
    form = {
        "moved_date": day(),
        "arrivals": household(*family, head=taro),
        "place": place("東京都千代田区神田一丁目1番1号"),
    }
    moved = destination.move_in(form, "--receipt", str(receipt), card="yoshida-taro")
    again = destination.move_in(form, card="yoshida-taro")

    assert out.move["state"] == "STATE_NOTIFIED", out.err
    assert moved.code == 0, (moved.envelope, moved.err)
    assert (moved.move["state"], moved.move["moved_count"]) == ("STATE_COMPLETED", 4)
    for code in family:
        record = destination.record(code)
        assert (record["code"], record["state"]) == (code, "STATE_ACTIVE")
        assert origin.record(code)["state"] == "STATE_MOVED_OUT"
    (page,) = pages_of(receipt.read_bytes())
    assert "𠮷田　三四郎" in page
    assert not any(code in page for code in family)
    assert again.code == 3
    assert again.reason in {"CARD_REVOKED", "MOVE_ALREADY_COMPLETED"}


def test_ordinary_move_goes_by_the_numbers_on_its_paper(offices: Offices) -> None:
    origin, destination = offices.tokorozawa, offices.chiyoda
    couple = (code_of("takahashi-ichiro"), code_of("takahashi-kazuko"))
    paper = origin.papers / "couple.pdf"

    out = origin.move_out(CHIYODA, *couple, kind="ORDINARY", out=paper)
    (page,) = pages_of(paper.read_bytes())
    ground = {
        "move_number": out.number,
        "verification_code": verification(page, out.number),
        "moved_date": day(),
    }
    form = {
        "paper": ground,
        "arrivals": household(*couple, head=couple[0]),
        "place": place("東京都千代田区麹町二丁目1番"),
    }
    wrong = destination.move_in({**form, "paper": {**ground, "move_number": "M000000000195"}})
    moved = destination.move_in(form)
    used = destination.move_in(form)

    assert out.code == 0, (out.envelope, out.err)
    assert all(code in page for code in couple)
    assert (wrong.code, wrong.reason) == (3, "CERTIFICATE_NOT_FOUND")
    assert moved.code == 0, (moved.envelope, moved.err)
    assert moved.move["state"] == "STATE_COMPLETED"
    assert (used.code, used.reason) == (3, "MOVE_ALREADY_COMPLETED")
    assert origin.run("move", "alerts").result["alerts"]


def test_move_within_gives_a_new_household(offices: Offices) -> None:
    window = offices.chiyoda
    two = (code_of("tsuji-misaki"), code_of("tsuji-haruto"))
    movers = [
        {**one, "relationship_to_householder": word}
        for one, word in zip(window.movers(*two), ("世帯主", "子"), strict=True)
    ]
    receipt = window.papers / "within.pdf"
    form = {
        "movers": movers,
        "place": place("東京都千代田区一番町5番"),
        "moved_date": day(-1),
    }

    ended = window.run("move", "within", "--yes", "--receipt", str(receipt), form=form)

    assert ended.code == 0, (ended.envelope, ended.err)
    entries = window.record(two[0])["entries"]
    assert isinstance(entries, dict)
    assert entries["address"] == "東京都千代田区一番町5番"
    assert "一番町5番" in pages_of(receipt.read_bytes())[0]


def test_clerk_abandons_and_fetches_again(offices: Offices) -> None:
    origin, destination = offices.chiyoda, offices.tokorozawa
    ken = code_of("yamazaki-ken")
    form = {
        "moved_date": day(),
        "arrivals": household(ken, head=ken),
        "place": place("埼玉県所沢市並木五丁目1番"),
    }
    fumi = code_of("ichigaya-fumi")
    nobody = {**form, "arrivals": household(fumi, head=fumi)}

    early = destination.move_in(form, card="yamazaki-ken")
    out = origin.move_out(TOKOROZAWA, ken)
    stopped = destination.move_in(nobody, card="yamazaki-ken")
    listed = destination.run("move", "list", "in")
    given_back = destination.run("move", "abandon", out.number, "--yes")
    moved = destination.move_in(form, card="yamazaki-ken")

    assert (early.code, early.reason) == (3, "NO_MOVE_OUT")
    assert "move in --paper" in early.err
    assert stopped.reason == "NOT_OF_THE_MOVE"
    assert f"juki-terminal move abandon {out.number}" in stopped.err
    assert out.number in json.dumps(listed.result)
    assert given_back.move["state"] == "STATE_NOTIFIED"
    assert moved.code == 0, (moved.envelope, moved.err)
    assert destination.record(ken)["state"] == "STATE_ACTIVE"


def test_case_22_who_comes_too_late_with_the_card_comes_with_the_paper(offices: Offices) -> None:
    origin, destination = offices.tokorozawa, offices.chiyoda
    setsuko = code_of("sasaki-setsuko")
    form = {
        "moved_date": day(-40),
        "arrivals": household(setsuko, head=setsuko),
        "place": place("東京都千代田区平河町一丁目2番"),
    }

    out = origin.move_out(CHIYODA, setsuko)
    late = destination.move_in(form, card="sasaki-setsuko")
    kept = origin.run(
        *("move", "certificate", out.number, "--out", str(origin.papers / "no.pdf"), "--yes")
    )
    page = origin.certificate(out.number, "--give-up-special")
    ground = {
        "move_number": out.number,
        "verification_code": verification(page, out.number),
        "moved_date": day(-40),
    }
    by_paper = {"paper": ground, "arrivals": form["arrivals"], "place": form["place"]}
    silent = destination.move_in(by_paper)
    moved = destination.move_in({**by_paper, "paper": {**ground, "late_reason": "入院"}})

    assert (late.code, late.reason) == (3, "DEADLINE_14")
    assert "move in --paper" in late.err
    assert kept.reason == "SPECIAL_MUST_BE_GIVEN_UP"
    assert "再交付" not in page
    assert silent.reason == "LATE_REASON_REQUIRED"
    assert moved.code == 0, (moved.envelope, moved.err)
    assert moved.move["registered_late"] is True


def test_withdrawn_notice_opens_nothing(offices: Offices) -> None:
    origin, destination = offices.chiyoda, offices.tokorozawa
    fumi = code_of("ichigaya-fumi")
    paper = origin.papers / "fumi.pdf"

    out = origin.move_out(TOKOROZAWA, fumi, on=day(10), out=paper)
    twice = origin.move_out(TOKOROZAWA, fumi, on=day(10))
    second = origin.certificate(out.number)
    cancelled = origin.run("move", "cancel", out.number, "--yes")
    ground = {
        "move_number": out.number,
        "verification_code": verification(second, out.number),
        "moved_date": day(),
    }
    refused = destination.move_in(
        {
            "paper": ground,
            "arrivals": household(fumi, head=fumi),
            "place": place("埼玉県所沢市並木五丁目1番"),
        }
    )

    assert out.result["special_refused_because"] == "SPECIAL_REFUSAL_NO_USABLE_CARD"
    assert "再交付" not in pages_of(paper.read_bytes())[0]
    assert twice.reason == "MOVE_OPEN"
    assert "再交付（2回目）" in second
    assert cancelled.move["state"] == "STATE_CANCELLED"
    assert (refused.code, refused.reason) == (3, "MOVE_WITHDRAWN")
    assert origin.record(fumi)["state"] == "STATE_ACTIVE"


def test_case_26_suspended_card_goes_by_paper(offices: Offices) -> None:
    origin, destination = offices.chiyoda, offices.tokorozawa
    makoto = code_of("tsuji-makoto")
    form = {
        "moved_date": day(),
        "arrivals": household(makoto, head=makoto),
        "place": place("埼玉県所沢市並木五丁目1番"),
    }
    loss = {
        "card": {"code": makoto},
        "reporter": "REPORTER_HOLDER",
        "channel": "CHANNEL_PHONE",
        "reason": "REASON_LOST",
        "questions": [{"topic": "TOPIC_ADDRESS", "answered_rightly": True}],
    }

    out = origin.move_out(TOKOROZAWA, makoto)
    suspended = origin.run("card", "suspend", "--yes", form=loss)
    refused = destination.move_in(form, card="tsuji-makoto")
    page = origin.certificate(out.number, "--give-up-special")
    ground = {
        "move_number": out.number,
        "verification_code": verification(page, out.number),
        "moved_date": day(),
    }
    moved = destination.move_in(
        {"paper": ground, "arrivals": form["arrivals"], "place": form["place"]}
    )

    assert suspended.code == 0, (suspended.envelope, suspended.err)
    assert (refused.code, refused.reason) == (3, "CARD_SUSPENDED")
    assert "転出証明書があれば転入できます" in refused.err
    assert moved.code == 0, (moved.envelope, moved.err)
    assert destination.record(makoto)["state"] == "STATE_ACTIVE"


def test_case_27_expected_resident_goes_on_with_the_card(offices_of_2023: Offices) -> None:
    origin, destination = offices_of_2023.chiyoda, offices_of_2023.tokorozawa
    ken = code_of("yamazaki-ken")
    form = {
        "moved_date": day(),
        "arrivals": household(ken, head=ken),
        "place": place("埼玉県所沢市並木五丁目1番"),
    }

    out = origin.move_out(TOKOROZAWA, ken)
    expected = destination.run("move", "list", "expected")
    looked = destination.run("move", "look", out.number)
    changed = origin.run(
        *("move", "change", out.number, "--out", str(origin.papers / "c.pdf"), "--yes"),
        form={
            "expected_version": out.move["notice_version"],
            "plan": {"destination_code": TOKOROZAWA, "planned_date": day(1)},
            "movers": origin.movers(ken),
        },
    )
    moved = destination.move_in(form, card="yamazaki-ken")
    cards = destination.run("card", "show", form={"card": {"code": ken}}).result["cards"]
    assert isinstance(cards, list)
    number = str(cards[0]["number"])
    go_on = ("move", "continue-card", number, "--yes")
    kept = destination.run(*go_on, card="yamazaki-ken")
    again = destination.run(*go_on, card="yamazaki-ken")

    assert out.number in json.dumps(expected.result)
    information = looked.result["information"]
    assert isinstance(information, dict)
    assert len(information["persons"]) == 1
    assert changed.move["notice_version"] == 2
    assert moved.code == 0, (moved.envelope, moved.err)
    assert kept.code == 0, (kept.envelope, kept.err)
    assert again.reason == "CARD_NOT_AWAITING"


def test_move_that_was_taken_back_leaves_the_person_where_they_were(
    offices_of_2023: Offices,
) -> None:
    origin, destination = offices_of_2023.tokorozawa, offices_of_2023.chiyoda
    kazuko = code_of("takahashi-kazuko")
    number = moved_by_paper(offices_of_2023, kazuko)

    ended = destination.run(
        *("move", "take-back", number, "--yes"), form={"moved": destination.movers(kazuko)}
    )

    assert ended.code == 0, (ended.envelope, ended.err)
    assert ended.move["state"] == "STATE_CANCELLED_AFTER"
    assert origin.record(kazuko)["state"] == "STATE_ACTIVE"
    assert "KIND_CANCELLED_AFTER" in json.dumps(origin.run("move", "alerts").result)


def test_correction_of_the_origin_is_entered_and_keeps_the_move_as_it_is(
    offices_of_2023: Offices,
) -> None:
    origin, destination = offices_of_2023.tokorozawa, offices_of_2023.chiyoda
    ichiro = code_of("takahashi-ichiro")
    number = moved_by_paper(offices_of_2023, ichiro)
    entries = origin.record(ichiro)["entries"]
    assert isinstance(entries, dict)

    corrected = origin.run(
        *("move", "correct", number, "--yes"),
        form={"code": ichiro, "entries": {**entries, "name_kana": "タカハシ　カズロウ"}},
    )
    waiting = destination.run("move", "show", number)
    accepted = destination.run(
        *("move", "accept-correction", number, "--yes"), form=destination.movers(ichiro)[0]
    )
    taken_back = destination.run(
        *("move", "take-back", number, "--yes"), form={"moved": destination.movers(ichiro)}
    )

    assert corrected.code == 0, (corrected.envelope, corrected.err)
    assert waiting.result["corrections"]
    assert accepted.code == 0, (accepted.envelope, accepted.err)
    assert "タカハシ　カズロウ" in json.dumps(destination.record(ichiro), ensure_ascii=False)
    assert taken_back.reason == "RECORD_CHANGED"


def test_arrival_elsewhere_is_recorded_twice_and_changes_once(offices_of_2023: Offices) -> None:
    """Case 25: the arrival notice comes before the planned day, and again."""
    origin = offices_of_2023.tokorozawa
    setsuko = code_of("sasaki-setsuko")

    out = origin.move_out(NAHA, setsuko, on=day(20))
    arrived = {"destination_code": NAHA, "moved_date": day()}
    first = origin.run("move", "arrived", out.number, "--yes", form=arrived)
    second = origin.run("move", "arrived", out.number, "--yes", form=arrived)

    why = "SPECIAL_REFUSAL_DESTINATION_NOT_ON_NETWORK"
    assert out.result["special_refused_because"] == why
    assert (first.code, second.code) == (0, 0), (first.envelope, second.envelope)
    assert first.move == second.move
    assert (first.move["planned_date"], first.move["moved_date"]) == (day(20), day())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"destination_code": TOKOROZAWA}, "DESTINATION_IS_ORIGIN"),
        ({"destination_code": "999997"}, "FIELD_INVALID"),
        ({"planned_date": day(400)}, "FIELD_INVALID"),
        ({"destination_code": None, "abroad": True}, "SPECIAL_NOT_POSSIBLE"),
    ],
    ids=["own municipality", "unknown municipality", "too far ahead", "abroad"],
)
def test_notice_that_cannot_be_is_refused(
    offices: Offices, changes: dict[str, object], reason: str
) -> None:
    origin = offices.tokorozawa
    plan: dict[str, object] = {"destination_code": CHIYODA, "planned_date": day(), **changes}
    form = {
        "kind": "KIND_SPECIAL",
        "notification": {"channel": "CHANNEL_COUNTER", "filer": "FILER_SELF"},
        "plan": {key: value for key, value in plan.items() if value is not None},
        "movers": origin.movers(code_of("sasaki-megumi")),
    }

    ended = origin.run("move", "out", "--out", str(origin.papers / "n.pdf"), "--yes", form=form)

    assert (ended.code, ended.reason) == (3, reason)
