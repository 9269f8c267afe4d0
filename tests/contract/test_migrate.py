from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from juki_center.storage.migrate import HEAD, migrate


def revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as sql:
        (found,) = sql.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found)


def test_the_head_that_a_start_looks_for_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", "juki_center.storage:migrations")

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_an_empty_file_is_brought_to_the_head(tmp_path: Path) -> None:
    migrate(tmp_path / "center.sqlite")

    assert revision(tmp_path / "center.sqlite") == HEAD


def test_a_file_at_the_head_is_left_alone_without_alembic(tmp_path: Path) -> None:
    path = tmp_path / "center.sqlite"
    migrate(path)
    before = path.read_bytes()
    program = (
        "import sys; from pathlib import Path; from juki_center.storage.migrate import migrate;"
        "migrate(Path(sys.argv[1])); sys.exit('alembic' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)

    assert done.returncode == 0
    assert path.read_bytes() == before
