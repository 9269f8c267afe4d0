"""`juki-center codes`, and what the doctor says of stocks that run low."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli import doctor
from juki_center.cli.commands import app
from juki_center.config import CenterConfig
from tests.support.center import NOW, TOKOROZAWA, open_test_store
from tests.support.leaves import leaves

if TYPE_CHECKING:
    from pathlib import Path

SAPPORO = MunicipalityCode("011002")
_CONFIG = """\
environment = "test"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "sqlite:///center.db"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a center that hosts two registers."""

    async def host() -> None:
        store = open_test_store(tmp_path)
        for one in (TOKOROZAWA.municipality, SAPPORO):
            await store.act(lambda tx, one=one: tx.registers.host(one))  # type: ignore[misc]  # the loop's own
        store.close()

    asyncio.run(host())
    path = tmp_path / "center.toml"
    path.write_text(_CONFIG, encoding="utf-8")
    return path


def run(config: Path, *arguments: str) -> tuple[int, str, str]:
    """Return how a command ended: its exit code, what it printed, and its complaint."""
    ran = CliRunner().invoke(app, [*arguments, "--config", str(config)])
    return ran.exit_code, ran.stdout, ran.stderr


def test_codes_are_added_and_counted_and_never_shown(config: Path) -> None:
    code, out, _ = run(
        config, "codes", "stock", "--municipality", "112089", "--count", "1500", "--json"
    )

    listed = json.loads(run(config, "codes", "list", "--json")[1])["result"]
    assert code == 0
    assert json.loads(out)["result"] == {"municipality": "112089", "added": 1500, "left": 1500}
    assert listed == {
        "alertBelow": 100,
        "stocks": [
            {"municipality": "011002", "left": 0, "low": True},
            {"municipality": "112089", "left": 1500, "low": False},
        ],
    }


def test_the_list_for_people_marks_who_needs_more(config: Path) -> None:
    run(config, "codes", "stock", "--municipality", "112089", "--count", "100")

    _, out, _ = run(config, "codes", "list")

    assert out.splitlines() == ["011002          0  low: below 100", "112089        100"]


def test_the_alert_level_is_the_configurations(config: Path) -> None:
    config.write_text(_CONFIG + "[codes]\nlow_stock = 20\n", encoding="utf-8")
    run(config, "codes", "stock", "--municipality", "112089", "--count", "20")
    run(config, "codes", "stock", "--municipality", "011002", "--count", "19")

    _, out, _ = run(config, "codes", "list")

    low = [one.as_line() for one in doctor.examine(CenterConfig.load(config), NOW)]
    assert out.splitlines() == ["011002         19  low: below 20", "112089         20"]
    assert "warning codes: 1 of 2 stocks are low (011002 has 19); `juki-center codes stock`" in low


def test_each_filling_is_in_the_log(config: Path) -> None:
    run(config, "codes", "stock", "--municipality", "112089", "--count", "7")

    store = open_test_store(config.parent)
    leaf = leaves(store)[-1]
    store.close()
    assert (leaf["ev"], leaf["res"], leaf["more"]) == ("CODES_STOCKED", "112089", {"added": "7"})


@pytest.mark.parametrize(
    ("municipality", "said"),
    [
        ("112080", "INPUT_INVALID"),
        ("131016", "the center hosts no register of this municipality"),
    ],
)
def test_a_municipality_that_is_none_or_not_hosted_is_refused(
    config: Path, municipality: str, said: str
) -> None:
    code, _, err = run(config, "codes", "stock", "--municipality", municipality, "--count", "1")

    assert code == 2
    assert said in err


def test_the_doctor_warns_of_stocks_that_run_low(config: Path) -> None:
    settings = CenterConfig.load(config)
    run(config, "codes", "stock", "--municipality", "112089", "--count", "100")

    low = [one.as_line() for one in doctor.examine(settings, NOW) if one.check == "codes"]
    run(config, "codes", "stock", "--municipality", "011002", "--count", "100")
    good = [one.as_line() for one in doctor.examine(settings, NOW) if one.check == "codes"]

    assert low == ["warning codes: 1 of 2 stocks are low (011002 has 0); `juki-center codes stock`"]
    assert good == ["ok      codes: 2 municipalities have enough"]
