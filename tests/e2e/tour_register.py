"""The register's part of the tour: what an operator, a clerk and a resident may expect of it."""

from __future__ import annotations

from tests.e2e.telling import Scenario
from tests.e2e.tour_stage import TourStage

USAGE = 2


def municipalities_by_code_and_day(stage: TourStage) -> str:
    """Every municipality by its code; a name is never a key, and a mistyped digit is found."""
    every = stage.operator("municipalities", "list", "--json").result["municipalities"]
    kinds = [row["kind"] for row in every]
    assert kinds.count("municipality") == 1741, len(every)
    assert len(every) == 1741 + 171
    namesakes = stage.operator("municipalities", "show", "府中市", "--json")
    codes = [row["code"] for row in namesakes.result["municipalities"]]
    assert codes == ["132063", "342084"]
    mistyped = stage.operator("municipalities", "show", "112098", "--json")
    assert (mistyped.exit_code, mistyped.reason) == (USAGE, "INPUT_INVALID"), mistyped.said
    return f"1,741 and 171 ward offices; 府中市: {' and '.join(codes)}; 112098: check digit wrong"


def invented_residents(stage: TourStage) -> str:
    """The same seed invents the same residents, in real municipalities."""
    first, again = stage.files / "invented.csv", stage.files / "again.csv"
    for path in (first, again):
        run = stage.operator(
            "residents", "generate", "--count", "200", "--seed", "7", "--out", str(path), "--json"
        )
        assert run.exit_code == 0, run.said
    octets = first.read_bytes()
    assert octets == again.read_bytes()
    stage.remember_file(first)
    assert octets.count(b"\n") == 201
    return f"200 residents, {len(octets):,} bytes, twice the same"


def stock_of_codes(stage: TourStage) -> str:
    """A municipality without enough codes is told; the center adds random ones, never twice."""
    before = stock_left(stage, "112089")
    added = stage.operate("codes", "stock", "--municipality", "112089", "--count", "40")
    assert (added.exit_code, added.result["added"]) == (0, 40), added.said
    after = stock_left(stage, "112089")
    assert after == before + 40
    return f"Tokorozawa: {before} codes, then {after}"


def stock_left(stage: TourStage, municipality: str) -> int:
    run = stage.operate("codes", "list")
    assert run.exit_code == 0, run.said
    left = {row["municipality"]: row["left"] for row in run.result["stocks"]}
    return int(left[municipality])


REGISTER = (
    Scenario("Municipalities by code and day", municipalities_by_code_and_day),
    Scenario("Residents invented by a seed", invented_residents),
    Scenario("Stocks of codes", stock_of_codes),
)
