"""The center killed (-9) at each write of an act of enrolment: nothing was done, or all of it.

Then the same request comes again, and is answered: with the first answer where it was committed.
Never has a token led to two certificates, nor is a peer left without one that counts. Long by
JUKI_LONG=1: every write. Short: the first, the middle, before the commit and after it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.areas.fleet.certificates import CertificateState, PeerCertificate
from juki_center.areas.fleet.tokens import MakeToken, TokenState, make_token
from juki_pki import make
from juki_pki.certify import new_key
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_pki.recovery import recovery_octets
from juki_pki.requests import key_sha256, make_request
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from tests.support.center import open_test_store
from tests.support.center_process import ROOT
from tests.support.fleet import CHIYODA_7, MUNICIPALITIES, OPERATOR
from tests.support.leaves import leaves
from tests.support.mortal_enrolment import Order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

    from juki_pki.folder import PKIFolder

LONG: Final = os.environ.get("JUKI_LONG") == "1"
NOW: Final = datetime.now(UTC)
LAPSED_BEFORE: Final = timedelta(days=395)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800 if LONG else 180)]


@dataclass(frozen=True)
class Step:
    """One call of a peer's life: who calls, when, and what for."""

    name: str
    request: Message
    caller: str
    at: datetime


@dataclass
class Centers:
    """The centers of one folder after the other, each for one call."""

    folder: Path
    pki: PKIFolder
    process: subprocess.Popen[str]

    def copied(self, name: str) -> Centers:
        """Return the same in a copy of the folder."""
        folder = self.folder.parent / name
        return Centers(Path(shutil.copytree(self.folder, folder)), self.pki, self.process)

    def call(self, step: Step) -> tuple[Any, int]:
        """Call a center that lives; return its answer and how many writes that took."""
        assert not self._ordered(step, 0)
        told = json.loads((self.folder / "answer.json").read_text(encoding="utf-8"))
        assert told["reason"] == "", (step.name, told)
        kind = getattr(pb, step.request.DESCRIPTOR.name.replace("Request", "Response"))
        return kind.FromString(bytes.fromhex(told["answer"])), told["writes"]

    def die(self, step: Step, fatal: int) -> None:
        """Call a center that dies before a write."""
        assert self._ordered(step, fatal), (step.name, fatal)

    def look(self) -> Looked:
        """Read what the store holds, in a process that has just been started."""
        with closing(open_test_store(self.folder)) as store:
            return Looked(
                store.read(lambda tx: tx.peer_certificates.everything()),
                Counter(
                    one.state for one in store.read(lambda tx: tx.enrolment_tokens.everything())
                ),
                [str(leaf["ev"]) for leaf in leaves(store)],
                store.read(lambda tx: tx.control.newest()),
            )

    def _ordered(self, step: Step, fatal: int) -> bool:
        order = Order(
            folder=str(self.folder),
            pki=str(self.pki.path),
            method=step.request.DESCRIPTOR.name.removesuffix("Request"),
            request=step.request.SerializeToString().hex(),
            caller=step.caller,
            at=step.at.isoformat(),
            fatal=fatal,
        )
        (self.folder / "answer.json").unlink(missing_ok=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()
        return bool(json.loads(self.process.stdout.readline())["killed"])


@dataclass(frozen=True)
class Looked:
    """What a store holds of enrolment."""

    certificates: list[PeerCertificate]
    tokens: Counter[TokenState]
    events: list[str]
    cursor: int

    @property
    def facts(self) -> object:
        """All of it, with nothing that chance has made."""
        states = Counter((one.state, one.source, one.key_sha256) for one in self.certificates)
        return states, self.tokens, self.events, self.cursor

    def current(self) -> list[PeerCertificate]:
        """The certificates that count."""
        return [one for one in self.certificates if one.state is CertificateState.CURRENT]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> PKIFolder:
    peers = (PeerIdentity(Role.CENTER, "center-1"), PeerIdentity(Role.OPERATOR, "operator-1"))
    return make.init(tmp_path_factory.mktemp("pki") / "pki", Profiles.load(), NOW, peers)


@pytest.fixture(scope="module")
def process() -> Iterator[subprocess.Popen[str]]:
    """The process that forks centers."""
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.support.mortal_enrolment"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    yield started
    assert started.stdin is not None
    started.stdin.close()
    started.wait(20)


class Life:
    """A terminal from its first token to its second one; each step needs the answers before."""

    def __init__(self, centers: Centers) -> None:
        self.centers = centers
        self.keys = [new_key() for _ in range(4)]
        self.held = b""

    def token(self) -> bytes:
        """Make a token of this moment."""
        command = MakeToken(OPERATOR, CHIYODA_7, 744)
        with closing(open_test_store(self.centers.folder)) as store:
            made = asyncio.run(store.act(lambda tx: make_token(tx, command, NOW, MUNICIPALITIES)))
        return made.octets

    def enrol(self) -> Step:
        request = pb.EnrollRequest(
            token=self.token(), certificate_request=make_request(self.keys[0])
        )
        return Step("enrol", request, "", NOW)

    def renew(self) -> Step:
        request = pb.RenewCertificateRequest(
            request_id=str(uuid.uuid4()), certificate_request=make_request(self.keys[1])
        )
        return Step("renew", request, pem(self.held), NOW + timedelta(hours=1))

    def confirm(self) -> Step:
        at = NOW + timedelta(hours=1)
        return Step("confirm", pb.ConfirmCertificateRequest(), pem(self.held), at)

    def ask(self) -> Step:
        digest = x509.load_der_x509_certificate(self.held).fingerprint(hashes.SHA256())
        signed = recovery_octets(digest, key_sha256(self.keys[2].public_key()))
        request = pb.RecoverCertificateRequest(
            certificate=self.held,
            certificate_request=make_request(self.keys[2]),
            signature=self.keys[1].sign(signed, ec.ECDSA(hashes.SHA256())),
        )
        self.recovering = Step("ask", request, "", NOW)
        return self.recovering

    def approve(self) -> Step:
        operator = self.centers.pki.operator("operator-1").certificate
        request = pb.ApproveRecoveryRequest(
            request_id=str(uuid.uuid4()), recovery_id=self.recovery_id
        )
        return Step("approve", request, operator.public_bytes(Encoding.PEM).decode(), NOW)

    def collect(self) -> Step:
        return Step("collect", self.recovering.request, "", NOW)

    def enrol_again(self) -> Step:
        request = pb.EnrollRequest(
            token=self.token(), certificate_request=make_request(self.keys[3])
        )
        return Step("enrol again", request, "", NOW + timedelta(hours=2))

    def lapse(self) -> None:
        """Begin with a certificate that ended a month ago."""
        identity = PeerIdentity(Role.TERMINAL, "lapsed", "131016")
        begun = NOW - LAPSED_BEFORE
        lapsed = make.issue_peer(self.centers.pki, identity, Profiles.load(), begun)
        self.keys[1] = lapsed.key
        self.held = lapsed.certificate.public_bytes(Encoding.DER)

    def learn(self, answer: Any) -> None:
        """Keep what the terminal keeps of an answer."""
        if "issued" in answer.DESCRIPTOR.fields_by_name and answer.issued.certificate:
            self.held = answer.issued.certificate
        self.recovery_id = getattr(answer, "recovery_id", "") or getattr(self, "recovery_id", "")


def pem(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


def points(writes: int) -> list[int]:
    """Before which writes to die; the last one comes when all is committed."""
    if LONG:
        return list(range(1, writes + 1))
    return sorted({1, writes // 2, writes - 1, writes})


def survive(centers: Centers, step: Step) -> Centers:
    """Kill centers at the writes of a step, try again, and return one that has lived through it."""
    before, living = centers.look(), centers.copied(f"{step.name} lived")
    _, writes = living.call(step)
    after = living.look()
    for fatal in points(writes):
        dying = centers.copied(f"{step.name} {fatal}")
        dying.die(step, fatal)
        found = dying.look()
        assert found.facts == (after.facts if fatal == writes else before.facts), (step.name, fatal)
        _require_sound(found)
        again, _ = dying.call(step)
        retried = dying.look()
        assert retried.facts == after.facts, (step.name, fatal)
        _require_sound(retried)
        if fatal == writes:
            assert retried.certificates == found.certificates
        _require_answer(again, retried)
        shutil.rmtree(dying.folder)
    return living


def _require_sound(found: Looked) -> None:
    """Never two certificates count, and one does as soon as a token was used."""
    assert len(found.current()) <= 1
    assert found.current() or not found.tokens[TokenState.USED]


def _require_answer(answer: Any, found: Looked) -> None:
    """What was answered is in the store: the certificate that counts, or waits for its owner."""
    if "issued" in answer.DESCRIPTOR.fields_by_name and answer.issued.certificate:
        held = {one.content for one in found.certificates if one.state is not RETIRED}
        assert answer.issued.certificate in held


RETIRED: Final = CertificateState.RETIRED


@pytest.mark.parametrize("way", ["renewed", "recovered"])
def test_killed_at_any_write_nothing_was_done_or_the_first_answer_comes_again(
    tmp_path: Path, pki: PKIFolder, process: subprocess.Popen[str], way: str
) -> None:
    (tmp_path / "center").mkdir()
    open_test_store(tmp_path / "center").close()
    life = Life(Centers(tmp_path / "center", pki, process))
    steps: list[Callable[[], Step]] = [life.enrol, life.renew, life.confirm, life.enrol_again]
    if way == "recovered":
        life.lapse()
        steps = [life.ask, life.approve, life.collect]

    for make_step in steps:
        step = make_step()
        lived = survive(life.centers, step)
        # The terminal of the life that goes on has the answer of the center that lived.
        answer, _ = lived.call(step)
        life.learn(answer)
        life.centers = lived

    (current,) = life.centers.look().current()
    assert current.content == life.held
