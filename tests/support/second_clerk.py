"""A second clerk of a municipality, at a window of their own, for what takes two."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime
from pathlib import Path

from juki_center.areas.clerks.rows import SignIn
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from tests.support.clerks import enter_clerk, open_dev_store

_NAME, _TERMINAL = "承認　一郎", "02"


def second_window(folder: Path, config: Path, municipality: str = "131016") -> Path:
    """Return the configuration of a window at which a second clerk is signed in for good.

    `config` is that of the first window, `131016-01` and the like.
    """
    identity = PeerIdentity(Role.TERMINAL, _TERMINAL, municipality)
    pki = PKIFolder(folder / "pki")
    if not pki.peer_path(identity).exists():
        make.issue_peer(pki, identity, Profiles.load(), datetime.now(UTC))
    path = config.with_name(f"second-{municipality}.toml")
    text = config.read_text(encoding="utf-8")
    path.write_text(
        text.replace(f"{municipality}-01", f"{municipality}-{_TERMINAL}"), encoding="utf-8"
    )
    with open_dev_store(folder) as store:
        asyncio.run(
            store.act(lambda tx: _sign_in(tx, MunicipalityCode(municipality), identity.uri))
        )
    return path


def _sign_in(tx: Tx, municipality: MunicipalityCode, uri: str) -> None:
    clerks = tx.clerks.of_municipality(municipality)
    if len(clerks) < 2:
        clerks.append(enter_clerk(tx, str(municipality), datetime.now(UTC), name=_NAME))
    far = datetime(2200, 1, 1, tzinfo=UTC)
    sign_in = SignIn(uri, secrets.token_bytes(16), clerks[1].clerk_id, far, far, far)
    tx.clerks.put_sign_in(sign_in)
