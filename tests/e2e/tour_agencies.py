"""The agencies' part of the tour: what the law lets them ask, and what they are answered."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from juki_center.areas.days import day_in_japan
from tests.e2e.scenarios import refused
from tests.e2e.stage import AGENCY, Run
from tests.e2e.telling import Scenario
from tests.e2e.tour_import import OSAKA, TOKOROZAWA, generate, import_file, wait_until, write_rows
from tests.e2e.tour_residents import done
from tests.e2e.tour_stage import TourStage, today
from tests.support.center import SAMPLES

PASSPORTS, PENSIONS = "passport-1", "pension-1"
FOUR = "name,birth,sex,address"
BATCH_LINES = 600
NOT_A_PLAIN_MATCH = 3
ICHIRO = {"name": "髙橋\u3000一郎", "prefecture": "11"}


def day_today() -> str:
    """Return today's date in Japan, as operators write it."""
    return day_in_japan(datetime.now(UTC)).isoformat()


def outcome(run: Run) -> str:
    """Return what an agency is told of a person, or why it is refused."""
    return str(run.result.get("outcome") or run.reason)


def denied_by_default(stage: TourStage) -> str:
    """What is not authorised is refused: an affair of others, one that no law names, an item."""
    person = {"code": stage.code("takahashi-ichiro")}
    others = stage.confirm(PASSPORTS, "pension", person)
    nobodys = stage.confirm(PASSPORTS, "parking-permits", person)
    item = stage.confirm(PASSPORTS, "passport", person, "--items", "code")

    for run in (others, nobodys):
        refused(run, "AFFAIR_NOT_AUTHORISED")
    refused(item, "ITEM_NOT_PERMITTED")
    return "AFFAIR_NOT_AUTHORISED twice, ITEM_NOT_PERMITTED"


def authorised_and_withdrawn(stage: TourStage) -> str:
    """An operator authorises an agency for an affair from a day on, and withdraws it again."""
    person = {"code": stage.code("takahashi-ichiro")}
    affair = "war-bereaved-support"
    refused(stage.confirm(PENSIONS, affair, person), "AFFAIR_NOT_AUTHORISED")
    row = stage.operate(
        *("agency", "authorise", PENSIONS, "--affair", affair, "--purpose", "support of families"),
        *("--from", day_today(), "--kind", "by-code"),
    )
    assert row.exit_code == 0, row.said
    assert outcome(stage.confirm(PENSIONS, affair, person)) == "MATCH"
    refused(stage.confirm(PENSIONS, affair, person, "--items", "name"), "ITEM_NOT_PERMITTED")
    number = str(row.result["number"])
    ended = stage.operate("agency", "withdraw", PENSIONS, number)
    assert ended.exit_code == 0, ended.said
    refused(stage.confirm(PENSIONS, affair, person), "AFFAIR_NOT_AUTHORISED")
    return "refused, authorised: MATCH, withdrawn: refused"


def smallest_answer(stage: TourStage) -> str:
    """By code, an agency gets the items that it asks for, or a yes; each is a provision."""
    person = {"code": stage.code("takahashi-ichiro")}
    before = provisions(stage)

    four = stage.confirm(PASSPORTS, "passport", person, "--items", FOUR)
    two = stage.confirm(PASSPORTS, "passport", person, "--items", "name,sex")
    none = stage.confirm(PASSPORTS, "passport", person)

    told = four.result["information"]
    assert set(told) == {"name", "birth", "sex", "address"}
    assert told["name"] == "髙橋\u3000一郎"
    assert told["address"].startswith("埼玉県所沢市")
    assert set(two.result["information"]) == {"name", "sex"}
    assert "information" not in none.result
    assert [outcome(run) for run in (four, two, none)] == ["MATCH"] * 3
    assert provisions(stage) == before + 3
    return "four items, two items, a yes; three provisions"


def provisions(stage: TourStage, where: str = "1", *values: object) -> int:
    """Return how many provisions the log has."""
    return int(stage.ask_store(f"SELECT count(*) FROM provisions WHERE {where}", *values)[0][0])


def every_outcome(stage: TourStage) -> str:
    """By attributes: MATCH, MATCH_WITH_VARIANT, AMBIGUOUS, NO_MATCH, DELETED; never a guess."""
    ichiro = {"birth": birth_of("takahashi-ichiro"), **ICHIRO}
    asked = {
        "MATCH": ichiro,
        "MATCH_WITH_VARIANT": {**ichiro, "name": "高橋\u3000一郎"},
        "NO_MATCH": {**ichiro, "name": "髙橋\u3000二郎"},
        "DELETED": deceased(stage),
        "AMBIGUOUS": twins(stage),
    }
    found = {
        wanted: stage.confirm(PASSPORTS, "passport", person, "--items", FOUR)
        for wanted, person in asked.items()
    }

    assert {wanted: outcome(run) for wanted, run in found.items()} == {one: one for one in asked}
    assert found["MATCH"].exit_code == 0
    assert {run.exit_code for run in list(found.values())[1:]} == {NOT_A_PLAIN_MATCH}
    facts = {wanted: run.result for wanted, run in found.items()}
    assert facts["AMBIGUOUS"]["count"] == 2
    assert "information" not in facts["AMBIGUOUS"]
    assert facts["MATCH_WITH_VARIANT"]["varied"] == ["name"]
    assert facts["DELETED"]["deletion_reason"] == "DEATH"
    return f"{', '.join(asked)}(2); a variant names the item, a death its day"


def birth_of(key: str) -> str:
    """Return a sample resident's date of birth as an office writes it."""
    return SAMPLES[key].record.birth.paper_text


def deceased(stage: TourStage) -> dict[str, str]:
    """Let a resident die, unless it happened before; return how one asks for her."""
    code = stage.code("takahashi-kazuko")
    record = stage.record(code)
    if record["state"] == "STATE_ACTIVE":
        request = {"code": code, "expected_version": record["version"], "date_of_death": today()}
        done(stage.clerk("death", request))
    birth = birth_of("takahashi-kazuko")
    return {"name": "髙橋\u3000和子", "birth": birth, "prefecture": "11"}


def twins(stage: TourStage) -> dict[str, str]:
    """Enter two persons of one name and birth date; return how one asks for them."""
    path = stage.files / "twins.csv"
    rows = generate(stage, path, 2, 38, TOKOROZAWA)
    same = {name: rows[0][name] for name in ("name", "kana", "birth", "nationality", "kanji_name")}
    write_rows(path, [{**row, **same} for row in rows])
    run = import_file(stage, path)
    assert run.exit_code == 0, (run.answer, run.said)
    return {"name": same["name"], "birth": same["birth"], "municipality": TOKOROZAWA}


def too_broad(stage: TourStage) -> str:
    """A search over the whole country is refused; whoever has the address is asked for it."""
    person = {"name": ICHIRO["name"], "birth": birth_of("takahashi-ichiro")}

    refused(stage.confirm(PASSPORTS, "passport", person), "QUERY_TOO_BROAD")
    with_city = stage.confirm(PASSPORTS, "passport", {**person, "municipality": TOKOROZAWA})
    elsewhere = stage.confirm(PASSPORTS, "passport", {**person, "prefecture": "13"})

    assert (outcome(with_city), outcome(elsewhere)) == ("MATCH", "NO_MATCH")
    return "no address, no prefecture: QUERY_TOO_BROAD; in the city: MATCH; in Tokyo: NO_MATCH"


def batch_killed(stage: TourStage) -> str:
    """Client and center are both killed in a batch; it goes on, and no line is told twice."""
    questions, results = stage.files / "batch.csv", stage.files / "results.csv"
    people = generate(stage, stage.files / "pensioners.csv", BATCH_LINES - 2, 77, OSAKA)
    entered = import_file(stage, stage.files / "pensioners.csv")
    assert entered.exit_code == 0, (entered.answer, entered.said)
    codes = [row["code"] for row in people]
    broken = ["25208017644", "12345678903"]
    questions.write_text("code\n" + "\n".join(codes + broken) + "\n", encoding="ascii")
    arguments = ["batch", str(questions), "--affair", "pension", "--out", str(results)]
    arguments += ["--items", "name,address"]

    cut = kill_both(stage, arguments)
    stage.center.start()
    run = stage.agency(PENSIONS, *arguments)

    assert run.reason == "LINES_REFUSED", (run.answer, run.said)
    with results.open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert [int(row["line"]) for row in told] == list(range(1, BATCH_LINES + 1))
    assert [row["outcome"] for row in told[:-2]] == ["MATCH"] * (BATCH_LINES - 2)
    assert provisions(stage, "batch_id IS NOT NULL") == BATCH_LINES - 2
    return f"kill -9 after {cut:,} of {BATCH_LINES:,} lines; run again: each line once"


def kill_both(stage: TourStage, arguments: list[str]) -> int:
    """Start a batch; end client and center with SIGKILL once lines are recorded."""
    options = ["--config", str(stage.agency_config(PENSIONS))]
    process = subprocess.Popen(
        [sys.executable, "-c", AGENCY, *options, *arguments],
        env=os.environ | stage.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: recorded(stage) > 0 or process.poll() is not None)
    finally:
        stage.center.kill()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL, process.returncode
    lines = recorded(stage)
    assert 0 < lines < BATCH_LINES
    return lines


def recorded(stage: TourStage) -> int:
    """Return how many lines of batches the center has recorded."""
    return int(stage.ask_store("SELECT coalesce(sum(lines_done), 0) FROM batches")[0][0])


def watched_code_change(stage: TourStage) -> str:
    """An agency learns that a watched person's code changed, but not the new one, and only once."""
    key = "sasaki-setsuko"
    old = stage.code(key)
    state = stage.files / "watch.state"
    asked = stage.confirm(PENSIONS, "pension", {"code": old}, "--watch")
    assert outcome(asked) == "MATCH", asked.answer
    assert watch(stage, state) == []

    request = {"code": old, "expected_version": stage.version(old)}
    new = done(stage.clerk("change-code", request))["record"]["code"]

    (notice,) = watch(stage, state)
    assert notice["reason"] == "CODE_CHANGED"
    assert notice["subject_reference"] == asked.result["subject_reference"]
    assert new not in json.dumps(notice)
    assert watch(stage, state) == []
    by_old = stage.confirm(PASSPORTS, "passport", {"code": old}, "--items", FOUR)
    assert outcome(by_old) == "CODE_CHANGED"
    assert new not in json.dumps(by_old.answer)
    return "one notice CODE_CHANGED, by its reference, once; who may not have codes gets no new one"


def watch(stage: TourStage, state: Path) -> list[dict[str, str]]:
    """Run `juki-agency watch --once`; return its notices."""
    run = stage.agency(PENSIONS, "watch", "--affair", "pension", "--state", str(state), "--once")
    assert run.exit_code == 0, (run.answer, run.said)
    objects = [json.loads(line) for line in run.said.splitlines() if line.startswith("{")]
    stage.remember(objects)
    return [one["result"]["notice"] for one in objects if "notice" in one["result"]]


def log_of_provisions(stage: TourStage) -> str:
    """Each answer about somebody stands in the log: day, affair, recipient, items; no person."""
    ((first, rows),) = stage.ask_store("SELECT min(at), count(*) FROM provisions")
    days = ("--from", day_today(), "--to", day_today())
    counted = stage.operate("agency", "provisions", *days)

    assert counted.exit_code == 0, counted.said
    counts = counted.result["counts"]
    assert sum(int(one["provisions"]) for one in counts) <= rows
    assert {one["agency"] for one in counts} == {PASSPORTS, PENSIONS}
    assert first > 0
    missing = provisions(stage, "purpose = '' OR length(subject) < 16 OR affair = ''")
    assert missing == 0
    return f"{rows:,} provisions by agency, affair, kind and outcome; the subject is a keyed hash"


AGENCIES = (
    Scenario("Deny by default", denied_by_default),
    Scenario("Authorised by an operator, for a time", authorised_and_withdrawn),
    Scenario("By code, the smallest answer", smallest_answer),
    Scenario("By attributes, never a guess", every_outcome),
    Scenario("A search too broad", too_broad),
    Scenario("Notices of a watched person", watched_code_change),
    Scenario("A batch, client and center killed", batch_killed),
    Scenario("The log of provisions", log_of_provisions),
)
