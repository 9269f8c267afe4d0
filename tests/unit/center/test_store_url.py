"""What may stand in a store's URL, and what of it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from juki_center.errors import ConfigInvalid
from juki_center.store_url import based, file_of, is_server, shown

SERVER = "postgresql://juki@db.example/center?sslmode=verify-full&passfile=/etc/juki/pgpass"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://juki:geheim@db.example/center",
        "postgresql://juki@db.example/center?password=geheim",
        "postgresql://juki@db.example/center?sslmode=require&sslpassword=geheim",
        "postgresql://juki@db.example",
        "postgresql://[db.example/center",
        "postgresql:/center",
        "mysql://db.example/center",
        "sqlite:///",
        "center.db",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"store\.url") as refused:
        based(url, Path("/etc/juki"))

    assert "geheim" not in str(refused.value)


def test_a_server_stays_as_it_is_and_a_file_is_taken_from_the_configuration() -> None:
    assert based(SERVER, Path("/etc/juki")) == SERVER
    assert based("sqlite:///a/center.db", Path("/var")) == "sqlite:////var/a/center.db"
    assert is_server(SERVER)


def test_what_is_shown_names_the_database_alone() -> None:
    assert shown(SERVER) == "postgresql://db.example/center"
    assert shown("sqlite:////var/center.db") == "/var/center.db"


def test_a_command_that_works_on_a_file_is_refused_a_server() -> None:
    with pytest.raises(ConfigInvalid, match="on a file only"):
        file_of(SERVER)
