"""A whole card session, composed: the terminal's half and the center's half (TR-03110-2, 3).

The terminal runs `prepare`, asks for the PIN, and runs `present`; the center runs
`authenticate_chip` and `read_dg1` over the relay, with its own checks in between. APDUs are
numbered as in the profile, 1 to 18. What terminal and center tell each other is not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_card import chip_authentication, ec, files, pace, resident_code
from juki_card import terminal_authentication as ta
from juki_card.apdu import SHORT_NE, ResponseAPDU
from juki_card.card_access import CardAccess
from juki_card.errors import AuthenticationFailed, CertificateRefused, ParseError
from juki_card.flow import Flow, Step, batch
from juki_card.passwords import Password, PasswordReference
from juki_card.secure_messaging import ReaderChannel, protected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from juki_card.card_security import CardSecurity, ChipKey
    from juki_card.chat import CHAT
    from juki_card.cvc import CVCertificate
    from juki_card.transcript import Transcript

EXTERNAL_AUTHENTICATE: Final = "EXTERNAL AUTHENTICATE"
"""The name of the step in which the card verifies the system (APDU 13)."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The certificates from below one trust point down to the terminal certificate."""

    trust_point: str
    certificates: tuple[CVCertificate, ...]

    def __post_init__(self) -> None:
        if not self.certificates:
            raise ParseError("chain: has no certificate")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the center gives to a terminal for one session.

    `ephemeral` is the center's ephemeral public key, an uncompressed point on `domain`;
    `auxiliary` the whole auxiliary data with tag 67.
    """

    chat: CHAT
    chains: tuple[Chain, ...]
    domain: ec.Domain
    ephemeral: bytes
    auxiliary: bytes

    def chain(self, trust_points: Iterable[str]) -> Chain:
        """Return the chain for the first trust point that there is one for.

        Raises CertificateRefused where there is none.
        """
        chains = {chain.trust_point: chain for chain in self.chains}
        for name in trust_points:
            if name in chains:
                return chains[name]
        raise CertificateRefused("the plan has no chain for a trust point of this card")

    def announcement(self, chain: Chain) -> ta.Announcement:
        """Return what APDU 11 announces with this chain."""
        terminal = chain.certificates[-1]
        return ta.Announcement(
            terminal.chr,
            ec.compress(self.ephemeral),
            self.auxiliary,
            terminal.public_key.algorithm,
        )

    def opening_steps(self, chain: Chain) -> tuple[Step, ...]:
        """Return the APDUs 7 to 12, plain."""
        return ta.opening_steps(chain.certificates, self.announcement(chain))


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known before the PIN is asked (APDU 1 and 2)."""

    card_access: bytes
    access: CardAccess
    password: pace.PasswordState


@dataclass(frozen=True, slots=True)
class Ready:
    """What the terminal reports after APDU 12; to the center, octets that nobody vouches for.

    `status_words` are those of the APDUs 7 to 12, in order.
    """

    card_access: bytes
    trust_point: str
    id_picc: bytes
    r_picc: bytes
    status_words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CardReady:
    """A card that waits for the center's signature, and the terminal's channel to it."""

    ready: Ready
    channel: ReaderChannel


@dataclass(frozen=True, slots=True)
class CenterKeys:
    """The center's secrets of one session: the key of its terminal certificate and a fresh key."""

    terminal: ec.PrivateKey
    ephemeral: ec.PrivateKey

    def __repr__(self) -> str:
        return "CenterKeys(***)"


@dataclass(frozen=True, slots=True)
class ChipResult:
    """A card that has the key it names. The card signer is still to be verified."""

    channel: ReaderChannel
    card_security_octets: bytes
    card_security: CardSecurity
    chip_key: ChipKey

    @property
    def serial(self) -> bytes:
        """The card's serial in the register, 32 octets."""
        return self.chip_key.serial


def prepare(
    chat: CHAT | None, reference: PasswordReference = PasswordReference.PIN
) -> Flow[Prepared]:
    """Read EF.CardAccess and name password and rights (APDU 1 and 2).

    Raises PinLocked, ParseError, UnexpectedStatus.
    """
    octets = yield from files.read_file(files.CARD_ACCESS)
    access = CardAccess.decode(octets)
    state = yield from pace.select_password(access, reference, chat)
    return Prepared(octets, access, state)


def present(
    prepared: Prepared, password: Password, ephemerals: pace.Ephemerals, plan: Plan
) -> Flow[CardReady]:
    """Run PACE and open Terminal Authentication (APDU 3 to 12).

    The PIN is not used where the card's curve is not the plan's. Raises what `pace.establish`
    raises, CertificateRefused where the plan has no chain for the card, and UnexpectedStatus.
    """
    if prepared.access.chip_authentication_domain is not plan.domain:
        raise AuthenticationFailed("the card's curve is not the one of the plan")
    opened = yield from pace.establish(password, prepared.access, ephemerals)
    chain = plan.chain(opened.trust_points)
    answers = yield from protected(batch(*plan.opening_steps(chain)), opened.channel)
    ready = Ready(
        prepared.card_access,
        chain.trust_point,
        opened.id_picc,
        ta.challenge(answers),
        tuple(answer.sw for answer in answers),
    )
    return CardReady(ready, opened.channel)


def authenticate_chip(plan: Plan, keys: CenterKeys, ready: Ready) -> Flow[ChipResult]:
    """Sign, read EF.CardSecurity, run Chip Authentication: one batch, APDU 13 to 16, plain.

    Raises UnexpectedStatus where the card refuses the signature, ParseError, and
    AuthenticationFailed where the card does not have the key that it names.
    """
    # CMS is the center's part alone, and a quarter of the time in which a terminal starts.
    from juki_card import card_security  # noqa: PLC0415

    access = CardAccess.decode(ready.card_access)
    key_id = access.chip_authentication.key_id
    answers = yield from batch(
        Step(ta.external_authenticate(_sign(plan, keys, ready)), EXTERNAL_AUTHENTICATE),
        Step(files.read_whole_file(files.CARD_SECURITY), "READ EF.CardSecurity", files.READ_OK),
        Step(chip_authentication.mse_set_at(key_id), "MSE:Set AT (CA)"),
        Step(chip_authentication.general_authenticate(plan.ephemeral), "GENERAL AUTHENTICATE (CA)"),
    )
    octets = files.content(answers[1].data)
    security = card_security.parse(octets)
    chip_key = _chip_key(security, key_id, plan.domain)
    session = chip_authentication.verify_answer(
        answers[3].data, keys.ephemeral, chip_key.public_key()
    )
    return ChipResult(ReaderChannel(session), octets, security, chip_key)


def read_dg1(channel: ReaderChannel) -> Flow[str]:
    """Read the resident record code: one batch, APDU 17 and 18, wrapped for the card alone.

    Raises SecureMessagingError, UnexpectedStatus, ParseError.
    """
    steps = (
        Step(files.select_application(), "SELECT"),
        Step(files.read_short_file(files.DG1, ne=SHORT_NE), "READ EF.DG1", files.READ_OK),
    )
    answers = yield from protected(batch(*steps), channel)
    return resident_code.decode_dg1(files.content(answers[1].data))


def add_opening(transcript: Transcript, plan: Plan, ready: Ready) -> None:
    """Add the APDUs 7 to 12 to a transcript, plain, as plan and `ready` tell them.

    Terminal and center both do this, so that the center need not see the answers themselves.
    Raises ParseError where the status words are not one for each command.
    """
    steps = plan.opening_steps(plan.chain((ready.trust_point,)))
    if len(steps) != len(ready.status_words):
        raise ParseError("ready: not one status word for each command")
    for step, status_word in zip(steps, ready.status_words, strict=True):
        data = ready.r_picc if step is steps[-1] else b""
        transcript.add(step.apdu.encode(), ResponseAPDU(data, status_word).encode())


def _sign(plan: Plan, keys: CenterKeys, ready: Ready) -> bytes:
    said = plan.announcement(plan.chain((ready.trust_point,)))
    message = ta.signature_input(ready.id_picc, ready.r_picc, said.ephemeral, said.auxiliary)
    return ta.sign(keys.terminal, message, algorithm=said.protocol)


def _chip_key(security: CardSecurity, key_id: int | None, domain: ec.Domain) -> ChipKey:
    for key in security.chip_keys():
        if key.key_id == key_id and key.domain_parameter == domain.parameter_id:
            return key
    raise AuthenticationFailed("EF.CardSecurity: has not the key that EF.CardAccess names")
