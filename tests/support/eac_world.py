"""A small world for card tests, in memory: CVCA, DV, center certificates, card signer, cards.

Every key comes from a seed, so that a world, its cards and their sessions are the same in each run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from juki_card import cvc, eac, ec, oid, pace
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.auxiliary import AuxiliaryData
from juki_card.chat import CHAT, Right, Role
from juki_card.cv_key import CVPublicKey
from juki_card.cvc import CertificateBody, CVCertificate
from juki_card.flow import run
from juki_card.passwords import Can, Pin
from juki_card.virtual.card import proceed, process
from juki_card.virtual.chance import draw_scalar
from juki_card.virtual.session import Session
from juki_cardbox.personalise import CardSigner, Personalisation, make_memory
from juki_cardbox.profiles import JUKI

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_card.eac import CardReady, CenterKeys, ChipResult, Plan
    from juki_card.ec import Domain, PrivateKey
    from juki_card.passwords import Password, TransportPin
    from juki_card.virtual.chance import Chance
    from juki_card.virtual.memory import CardMemory
    from juki_cardbox.profiles import Profile

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
RESIDENT_CODE = "11208900017"
PIN = Pin("4649")
CAN = Can("310452")
AUXILIARY = AuxiliaryData(bytes(32), bytes(range(16)), 1).encode()
ALL_RIGHTS = Right.READ_DG1 | Right.PIN_MANAGEMENT | Right.CAN_ALLOWED
AUTH = CHAT(Role.TERMINAL, Right.READ_DG1)
WINDOW = CHAT(Role.TERMINAL, Right.PIN_MANAGEMENT | Right.CAN_ALLOWED)
IDENTIFY = CHAT(Role.TERMINAL, Right.NONE)


class FixedChance:
    """Octets from SHA-256 over a seed and a count: random to look at, the same in each run."""

    def __init__(self, seed: object) -> None:
        self._seed = repr(seed).encode()
        self._count = 0

    def octets(self, count: int) -> bytes:
        """Return the next `count` octets."""
        found = b""
        while len(found) < count:
            self._count += 1
            found += hashlib.sha256(self._seed + self._count.to_bytes(8, "big")).digest()
        return found[:count]


@dataclass(frozen=True)
class Credential:
    """A CV certificate and its key."""

    certificate: CVCertificate
    key: PrivateKey


@dataclass(frozen=True)
class EACWorld:
    """A CV hierarchy and a card signer over one curve. Worlds of other seeds are strangers."""

    domain: Domain = ec.P256
    seed: str = "world"
    today: date = TODAY

    def key(self, name: str) -> PrivateKey:
        """Return the key of this name; it is the same each time."""
        return draw_scalar(FixedChance((self.seed, self.domain.name, name)), self.domain).key()

    def issue(
        self,
        holder: str,
        chat: CHAT,
        *,
        by: Credential | None = None,
        effective: date | None = None,
        days: int = 90,
    ) -> Credential:
        """Issue a certificate; without an issuer the holder signs for itself."""
        key = self.key(holder)
        explicit = chat.role is Role.CVCA
        start = effective or self.today
        body = CertificateBody(
            car=by.certificate.chr if by else holder,
            public_key=CVPublicKey.of(key.public_key(), explicit=explicit),
            chr=holder,
            chat=chat,
            effective=start,
            expiration=start + timedelta(days=days),
        )
        signer = by.key if by else key
        made = cvc.make_certificate(body, signer, algorithm=oid.TA_ECDSA_SHA_256)
        return Credential(made, key)

    @cached_property
    def cvca(self) -> Credential:
        """The trust point of the cards."""
        return self.issue("JPTESTCVCA00001", CHAT(Role.CVCA, ALL_RIGHTS), days=1095)

    @cached_property
    def dv(self) -> Credential:
        """The document verifier, with all rights."""
        return self.issue("JPTESTDV00001", CHAT(Role.DV_DOMESTIC, ALL_RIGHTS), by=self.cvca)

    def terminal(self, chat: CHAT = AUTH) -> Credential:
        """The center's certificate for a purpose, by its rights."""
        return self.issue(f"JPTESTAT{chat.rights:05d}", chat, by=self.dv, days=2)

    @cached_property
    def signer(self) -> CardSigner:
        """The card signer, X.509 on P-256."""
        key = draw_scalar(FixedChance((self.seed, "card signer")), ec.P256).key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test card signer")])
        start = datetime(self.today.year, 1, 1, tzinfo=UTC)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=3650))
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
        )
        return CardSigner(certificate.public_bytes(Encoding.DER), key)

    def memory(
        self,
        *,
        pin: Pin | TransportPin = PIN,
        can: Can = CAN,
        resident_code: str | None = RESIDENT_CODE,
        profile: Profile = JUKI,
        chance: Chance | None = None,
    ) -> CardMemory:
        """Return the memory of a new card."""
        wanted = Personalisation(
            pin=pin,
            can=can,
            trust_point=self.cvca.certificate,
            signer=self.signer,
            today=self.today,
            resident_code=resident_code,
            profile=replace(profile, domain=self.domain),
        )
        return make_memory(wanted, chance or FixedChance((self.seed, "card")))

    def plan(
        self,
        chat: CHAT = AUTH,
        *,
        ephemeral: PrivateKey | None = None,
        terminal: Credential | None = None,
        link: tuple[CVCertificate, ...] = (),
    ) -> tuple[Plan, CenterKeys]:
        """Return what the center plans for a session, and its secrets."""
        credential = terminal or self.terminal(chat)
        own = ephemeral or self.key("center ephemeral")
        certificates = (*link, self.dv.certificate, credential.certificate)
        chain = eac.Chain(certificates[0].car, certificates)
        point = ec.encode_point(own.public_key())
        plan = eac.Plan(chat, (chain,), self.domain, point, AUXILIARY)
        return plan, eac.CenterKeys(credential.key, own)


@dataclass
class CardInHand:
    """A card as the driver of the table sees it, in memory; `memories` are its saves, in order."""

    memory: CardMemory
    chance: Chance = field(default_factory=lambda: FixedChance("card in hand"))
    session: Session = field(default_factory=Session)
    memories: list[CardMemory] = field(default_factory=list)

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        """Exchange one command."""
        return ResponseAPDU.decode(self.exchange(command.encode()))

    def exchange(self, octets: bytes) -> bytes:
        """Exchange octets as a reader brings them."""
        outcome = process(self.memory, self.session, octets, self.chance)
        while True:
            if outcome.memory != self.memory:
                self.memories.append(outcome.memory)
            self.memory, self.session = outcome.memory, outcome.session
            if outcome.answer is not None:
                return outcome.answer.encode()
            outcome = proceed(self.memory, self.session)

    def reset(self) -> None:
        """Take the power away and give it again."""
        self.session = Session()


@lru_cache(maxsize=4)
def world(domain: Domain = ec.P256, seed: str = "world") -> EACWorld:
    """Return a world; the same seed gives the same one."""
    return EACWorld(domain, seed)


def ephemerals(domain: Domain = ec.P256, seed: object = "reader") -> pace.Ephemerals:
    """Return the reader's two secrets of PACE."""
    octets = FixedChance(seed).octets(pace.random_size(domain))
    return pace.Ephemerals.from_random(domain, octets)


def open_session(
    transmit: Callable[[CommandAPDU], ResponseAPDU],
    plan: Plan,
    *,
    password: Password = PIN,
    secrets: pace.Ephemerals | None = None,
) -> CardReady:
    """Run the terminal's half of a session, APDU 1 to 12."""
    prepared = run(eac.prepare(plan.chat, password.reference), transmit)
    chosen = secrets or ephemerals(plan.domain)
    return run(eac.present(prepared, password, chosen, plan), transmit)


def whole_session(
    transmit: Callable[[CommandAPDU], ResponseAPDU],
    plan: Plan,
    keys: CenterKeys,
    *,
    password: Password = PIN,
    secrets: pace.Ephemerals | None = None,
) -> tuple[ChipResult, str]:
    """Run a whole session and read EF.DG1, APDU 1 to 18."""
    opened = open_session(transmit, plan, password=password, secrets=secrets)
    relayed = opened.channel.through(transmit)
    chip = run(eac.authenticate_chip(plan, keys, opened.ready), relayed)
    return chip, run(eac.read_dg1(chip.channel), transmit)
