"""The clerks' part of the tour: every entry of a register, through `juki-terminal resident`."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import Any

from tests.e2e.scenarios import refused
from tests.e2e.stage import Run
from tests.e2e.telling import Scenario
from tests.e2e.tour_register import stock_left
from tests.e2e.tour_stage import TourStage, today

DONE = 0
LIFTED_SECONDS = 60


def done(run: Run) -> dict[str, Any]:
    """Require that a command did what it was asked; return its result."""
    assert run.exit_code == DONE, (run.answer, run.said)
    return run.result


def birth_without_a_name(stage: TourStage) -> str:
    """A newborn without a name and with blank sex is entered; a blank birth date is refused."""
    entries = {
        "nationality": "NATIONALITY_JAPANESE",
        "sex": "SEX_BLANK",
        "relationship_to_householder": "子",
        "resident_since": today(),
    }
    parent = {"household_of_code": stage.code("yoshida-taro")}
    undated = stage.clerk("birth", {**parent, "entries": entries})
    assert undated.reason == "FIELD_INVALID", undated.answer
    dated = {**entries, "date_of_birth": today()}

    before = stock_left(stage, "112089")

    born = done(stage.clerk("birth", {**parent, "entries": dated}))["record"]

    assert stock_left(stage, "112089") == before - 1
    assert born["municipality_code"] == "112089"
    assert len(born["code"]) == 11
    assert not born["entries"].get("name")
    named = {**born["entries"], "name": "𠮷田\u3000葵衣", "name_kana": "ヨシダ\u3000アオイ"}
    corrected = done(
        stage.clerk("correct", correction(born["code"], 1, named, "CHANGE_REASON_NAME_CHANGE"))
    )["record"]
    assert corrected["entries"]["name"] == named["name"]
    return f"a code from the stock; named in version {corrected['version']}; no birth date: refused"


def correction(
    code: str,
    version: int,
    entries: dict[str, Any],
    reason: str = "CHANGE_REASON_CORRECTION_EX_OFFICIO",
) -> dict[str, object]:
    """Return the request that corrects a record."""
    return {
        "code": code,
        "expected_version": version,
        "entries": entries,
        "reason": reason,
        "change_date": today(),
    }


def death_and_the_card(stage: TourStage) -> str:
    """A resident dies, and the card lapses in the same act."""
    key = "takahashi-kazuko"
    code = stage.code(key)
    request = {"code": code, "expected_version": stage.version(code), "date_of_death": today()}

    dead = done(stage.clerk("death", request))

    assert dead["record"]["state"] == "STATE_DECEASED"
    assert dead["lapsed_card_count"] == 1
    reason = stage.issue(key).reason
    assert reason == "CARD_REVOKED", reason
    return f"STATE_DECEASED; one card lapsed; at a window: {reason}"


def correction_of_a_seen_version(stage: TourStage) -> str:
    """A correction makes the next version; whoever saw an older one is refused."""
    code = stage.code("yoshida-sakura")
    before = stage.record(code)
    entries = {**before["entries"], "building_and_room": "コーポ並木203号室"}
    request = correction(code, before["version"], entries)

    after = done(stage.clerk("correct", request))["record"]
    late = stage.clerk("correct", request)

    assert after["version"] == before["version"] + 1
    assert after["entries"]["building_and_room"] == "コーポ並木203号室"
    refused(late, "RECORD_CHANGED")
    return f"version {before['version']} -> {after['version']}; the same again: RECORD_CHANGED"


def household_change(stage: TourStage) -> str:
    """A daughter heads a household of her own; the old one keeps its head."""
    code = stage.code("yoshida-sakura")
    member = {"code": code, "expected_version": stage.version(code)}
    member["relationship_to_householder"] = "世帯主"
    request = {"members": [member], "new_household": True, "change_date": today()}

    changed = done(stage.clerk("change-household", request))

    (record,) = changed["records"]
    assert record["entries"]["relationship_to_householder"] == "世帯主"
    assert not changed.get("household_needs_head")
    alone = done(stage.clerk("household", {"code": code}))["records"]
    old = done(stage.clerk("household", {"code": stage.code("yoshida-taro")}))["records"]
    assert [one["code"] for one in alone] == [code]
    assert code not in {one["code"] for one in old}
    return f"a household of one; {len(old)} stay in the old one"


def code_change(stage: TourStage) -> str:
    """A resident asks for another code: the old one answers CODE_CHANGED, the card is revoked."""
    key = "yoshida-hanako"
    old = stage.code(key)
    request = {"code": old, "expected_version": stage.version(old)}

    changed = done(stage.clerk("change-code", request))

    new = changed["record"]["code"]
    assert new != old
    assert changed["revoked_card_count"] == 1
    assert changed["record"]["former_code_count"] == 1
    refused(stage.clerk("show", {"code": old}), "CODE_CHANGED")
    assert stage.record(new)["entries"]["name"] == "𠮷田\u3000花子"
    reason = stage.issue(key).reason
    assert reason == "CARD_REVOKED", reason
    return f"the old code: CODE_CHANGED; the new one: found; the card: {reason}"


def cancellation_is_an_entry(stage: TourStage) -> str:
    """A cancellation restores what stood before, and takes nothing out of the history."""
    code = stage.code("yoshida-taro")
    before = stage.record(code)
    entries = {**before["entries"], "address": before["entries"]["address"] + "の9"}
    wrong = done(stage.clerk("correct", correction(code, before["version"], entries)))["record"]
    request = {"code": code, "cancelled_version": wrong["version"]}

    after = done(stage.clerk("cancel", request))["record"]

    assert after["version"] == before["version"] + 2
    assert after["entries"] == before["entries"]
    assert after["change"]["reason"] == "CHANGE_REASON_CANCELLATION"
    history = done(stage.clerk("show", {"code": code}, "--history"))["earlier_versions"]
    assert history[0]["entries"]["address"] == entries["address"]
    return f"version {after['version']} says what {before['version']} said; all stand in history"


def edit_lock(stage: TourStage) -> str:
    """While one clerk holds a record's edit lock, no other changes it."""
    code = stage.code("takahashi-ichiro")
    record = stage.record(code)
    entries = {**record["entries"], "building_and_room": "並木団地7号棟"}
    request = correction(code, record["version"], entries)
    lock = done(stage.clerk("lock", {"code": code}))["lock_id"]

    refused(stage.clerk("correct", request), "RECORD_LOCKED")

    changed = done(stage.clerk("correct", {**request, "lock_id": lock}))["record"]
    in_hex = base64.b64decode(lock).hex()
    done(stage.terminal("resident", "unlock", in_hex, config=stage.residence_config))
    undone = correction(code, changed["version"], record["entries"])
    done(stage.clerk("correct", undone))
    return f"without the lock: RECORD_LOCKED; with it: version {changed['version']}"


def by_two(stage: TourStage, command: str, request: Mapping[str, object], *options: str) -> None:
    """Have a clerk propose a command, a second one at another window approve it, and do it."""
    refused(stage.clerk(command, request, *options, "--approval", "0" * 16), "APPROVAL_NOT_FOUND")
    approval = str(done(stage.clerk(command, request, *options))["approval_id"])
    refused(stage.clerk(command, request, *options, "--approval", approval), "APPROVAL_PENDING")
    first, second = stage.residence_config, stage.second_residence_config
    refused(stage.terminal("approve", approval, "--yes", config=first), "ANOTHER_PERSON_REQUIRED")
    done(stage.terminal("approve", approval, "--yes", config=second))
    done(stage.clerk(command, request, *options, "--approval", approval))


def measure_set_and_lifted(stage: TourStage) -> str:
    """A protective measure suppresses copies everywhere; two clerks lift it for a minute."""
    key = "takahashi-ichiro"
    assert done(stage.issue(key))["issue_number"], "the card works before"
    code = stage.code(key)
    request = {"code": code, "expected_version": stage.version(code)}

    measure = done(
        stage.clerk("protect", {**request, "begin": {"planned_end": "令和30年3月31日"}})
    )["record"]
    refused(stage.issue(key), "ISSUE_SUPPRESSED")
    lifted = {"code": code, "expected_version": measure["version"]}
    by_two(stage, "lift", lifted, "--minutes", "1")
    stage.lifted_until = time.monotonic() + LIFTED_SECONDS

    assert done(stage.issue(key))["issue_number"]
    return "set: ISSUE_SUPPRESSED; lifted for a minute by two clerks: a copy is issued"


def measure_in_force_again(stage: TourStage) -> str:
    """After its minute the measure holds again by itself; only two clerks end it."""
    time.sleep(max(0.0, stage.lifted_until - time.monotonic()) + 1)

    refused(stage.issue("takahashi-ichiro"), "ISSUE_SUPPRESSED")
    code = stage.code("takahashi-ichiro")
    request = {"code": code, "expected_version": stage.version(code)}
    by_two(stage, "end-protection", request)
    assert done(stage.issue("takahashi-ichiro"))["issue_number"]
    return "nobody touched it: ISSUE_SUPPRESSED again; ended by two clerks: a copy is issued"


RESIDENTS = (
    Scenario("A protective measure, lifted for a minute", measure_set_and_lifted),
    Scenario("A newborn without a name", birth_without_a_name),
    Scenario("A death, and the card lapses", death_and_the_card),
    Scenario("A correction makes a version", correction_of_a_seen_version),
    Scenario("An edit lock keeps others out", edit_lock),
    Scenario("A household of her own", household_change),
    Scenario("Another code, and the old one is known", code_change),
    Scenario("A cancellation is an entry", cancellation_is_an_entry),
)
LATER = (Scenario("The lifted measure holds again by itself", measure_in_force_again),)
