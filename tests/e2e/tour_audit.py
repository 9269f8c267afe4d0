"""The audit's part of the tour: the log holds, residents are told, and who looks is seen."""

from __future__ import annotations

import json
from pathlib import Path

from juki_terminal import disclosure_words as words
from tests.e2e.stage import RIGHT_PIN
from tests.e2e.telling import Scenario
from tests.e2e.tour_agencies import PASSPORTS, outcome
from tests.e2e.tour_residents import done
from tests.e2e.tour_stage import TourStage
from tests.support.pdf_text import pages_of

HOLDER = "yoshida-taro"
SEEN_BUT_OPEN = 3


def fresh(stage: TourStage, name: str) -> Path:
    """Return where a file is to be made that a command never overwrites."""
    path = stage.files / name
    path.unlink(missing_ok=True)
    return path


def verify(stage: TourStage, *what: str) -> tuple[int, str, dict[str, object]]:
    """Examine a copy or a proof offline; return the exit code, the reason and what was found."""
    trust = stage.folder / "pki" / "trust"
    run = stage.operator("audit", "verify", *what, "--trust", str(trust), "--json")
    found = (run.answer.get("error") or {}).get("metadata") if run.reason else run.result
    return run.exit_code, run.reason, dict(found or {})


def altered_log_is_named(stage: TourStage) -> str:
    """A copy of the log is examined without the center: one changed row is named, whichever."""
    copy = fresh(stage, "log.jsonl")
    leaves = done(stage.operate("audit", "export", str(copy)))["leaves"]
    code, _, sound = verify(stage, str(copy))
    lines = copy.read_bytes().splitlines(keepends=True)
    row = len(lines) // 2
    changed, removed = fresh(stage, "changed.jsonl"), fresh(stage, "removed.jsonl")
    changed.write_bytes(b"".join([*lines[:row], altered(lines[row]), *lines[row + 1 :]]))
    removed.write_bytes(b"".join([*lines[:row], *lines[row + 1 :]]))

    named = verify(stage, str(changed))
    gone = verify(stage, str(removed))

    assert (code, sound["leaves"]) == (0, leaves), sound
    assert named[:2] == gone[:2] == (3, "LOG_NOT_SOUND"), (named, gone)
    return f"{leaves} leaves, sound; one row changed: {first(named[2])}; removed: {first(gone[2])}"


def altered(line: bytes) -> bytes:
    """Return a line of a copy with one character changed in the middle of a value."""
    # The last character of a base64 value may hold bits that nothing means.
    place = line.index(b'"', len(line) // 2) - 6
    other = b"1" if line[place : place + 1] != b"1" else b"2"
    return line[:place] + other + line[place + 1 :]


def first(findings: dict[str, object]) -> str:
    """Return the first finding."""
    return str(findings["1"])


def copy_is_proven(stage: TourStage) -> str:
    """The act behind an issued copy is proven to lie in the log, by one file and the log's key."""
    issued = stage.issue(HOLDER)
    request = str(done(issued)["request_id"])
    proof = fresh(stage, "proof.json")
    proven = done(stage.operate("audit", "prove", "--request", request, "--out", str(proof)))
    code, _, shown = verify(stage, "--proof", str(proof))
    forged = fresh(stage, "forged-proof.json")
    told = json.loads(proof.read_text(encoding="utf-8"))
    forged.write_text(json.dumps(turned(told)), encoding="utf-8")
    other = verify(stage, "--proof", str(forged))

    assert code == 0, shown
    assert other[0] != 0, "a proof of another leaf was taken"
    return f"leaves {proven['leaves']} proven in the log of {shown['size']}; altered: {other[1]}"


def turned(proof: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    """Return a proof whose first leaf claims another place in the log."""
    leaf = proof["leaves"][0]
    name = next(key for key, value in leaf.items() if type(value) is int)
    leaf[name] = int(str(leaf[name])) - 1
    return proof


def told_what_is_held(stage: TourStage) -> str:
    """A resident is told at the window, by card and PIN, what the register holds of them."""
    paper = fresh(stage, "own.pdf")
    told = disclose(stage, "own", paper)

    page = "".join(pages_of(paper.read_bytes()))
    assert words.OWN_TITLE in page
    assert stage.code(HOLDER) in page
    assert stage.code(HOLDER) in json.dumps(told)
    return f"code, name, birth, sex and address, and a paper of {paper.stat().st_size:,} bytes"


def told_to_whom(stage: TourStage) -> str:
    """To whom it was provided, up to the end of last month: what is of today is not yet shown."""
    asked = stage.confirm(PASSPORTS, "passport", {"code": stage.code(HOLDER)})
    assert outcome(asked) == "MATCH"
    paper = fresh(stage, "provisions.pdf")
    told = disclose(stage, "provisions", paper)

    page = "".join(pages_of(paper.read_bytes()))
    assert not told.get("provisions"), "a provision of this month is shown"
    assert words.LOG_TITLE in page
    assert words.NO_SUCH_RECORD in page
    return "the confirmation of today lies after the period; the paper: no such record"


def disclose(stage: TourStage, which: str, paper: Path) -> dict[str, object]:
    """Run `juki-terminal disclosure` with the holder's card; what comes back is remembered."""
    with stage.slots.insert(stage.card(HOLDER)) as reader:
        run = stage.terminal(
            *("disclosure", which, "--pin-from", "-", "--print", str(paper)),
            config=stage.residence_config,
            reader=reader,
            stdin=f"{RIGHT_PIN}\n",
        )
    stage.remember(run.answer)
    found: dict[str, object] = done(run)
    return found


def who_looked(stage: TourStage) -> str:
    """An operator sees what the watch found and who looked at a person; that leaves a leaf, too."""
    code = stage.code(HOLDER)
    listed = stage.operate("alerts", "list", "--all")
    asked = ("alerts", "person", "--by", "operator-1", "--from", "-")
    before = done(stage.operate(*asked, stdin=code + "\n"))["leaves"]
    after = done(stage.operate(*asked, stdin=code + "\n"))["leaves"]

    assert listed.exit_code in {0, SEEN_BUT_OPEN}, listed.said
    assert before, "nobody has looked at a person whom an agency was told of"
    assert code not in json.dumps(after)
    kinds = sorted({str(one["kind"]) for one in listed.result["alerts"]})
    return f"alerts: {', '.join(kinds) or 'none'}; {len(before)} leaves about one person, no code"


AUDIT = (
    Scenario("A changed row of the log is named", altered_log_is_named),
    Scenario("An issued copy is proven from the log", copy_is_proven),
    Scenario("A resident sees what is held", told_what_is_held),
    Scenario("A resident sees to whom it was provided", told_to_whom),
    Scenario("Who has looked at a person", who_looked),
)
