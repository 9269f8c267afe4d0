"""The call that an act belongs to: what the edge knows of it, for whatever act it leads to.

An act is a plain function of its command. What holds for every act alike is not repeated in each
of them: the edge puts it into the current call, and the store does it in the act's transaction.
Its guards are run before the act, so that they see what commits with it; the leaves that the act
writes name its request and its clerk; and what the answer needs as its receipt is left in it.
A reading act passes what only looks, on the very state that it reads from.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from juki_center.areas.cards.batches import Origin
    from juki_center.areas.ports import Tx
    from juki_center.areas.residents.codes import MunicipalityCode

Guard: TypeAlias = "Callable[[Tx], None]"
"""Raises Refusal, or DeniedAttempt where the log must show it, unless the act may go on."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A leaf that is in the log, with all that a receipt says of it.

    `salt` and `content` open the commitment; `proof` leads from it to the root of `checkpoint`, a
    signed note.
    """

    index: int
    salt: bytes
    content: bytes = field(repr=False)
    proof: tuple[bytes, ...]
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that a call waited for; times are nanoseconds since 1970-01-01T00:00Z."""

    name: str
    began: int
    ended: int


URGENT_METHODS: Final = frozenset(
    (
        "/jukinet.cards.v1.CardService/SuspendCard",
        "/jukinet.operations.v1.CenterService/Disconnect",
        "/jukinet.operations.v1.CenterService/RevokeTerminal",
    )
)
"""What closes: it does not wait for others to be committed with it, and must be possible even while
the log cannot be written as it should."""


@dataclass(slots=True)
class Call:
    """One call, while it is served.

    `method` is its path on the wire, `certificate` the SHA-256 of the caller's certificate in DER.
    `clerk` is the id of the clerk who is signed in, and `cited` what every leaf of the call names
    beside its own facts, such as the approval of a second person.
    `logged` are the leaves of the acts that this call has done so far, in order, and those of the
    first answer where a request was sent again or its stored answer was read again; the store puts
    them there before it gives the act's answer, each with its proof to the newest signed head. It
    is empty where the log has no signed head, and of a refused attempt nothing is in it.
    `card` is where the card comes from that the call reads or makes, once that is known.
    `marks` are kept of calls that are traced; they are None of all others.

    `guards` are for acts alone, since some of them write; `looks` are for reads, each time.
    `exclusions` are for both: whether the caller is shut out, which changes with a control event
    only, so that they are looked at again where there are newer events than `judged`, the cursor
    up to which the gates have judged the call. From `ends_at` on the caller's certificate counts no
    more; `is_replaced` where that is because another one has taken its place.
    """

    uri: str
    role: str
    municipality: MunicipalityCode | None
    certificate: bytes
    method: str
    guards: list[Guard] = field(default_factory=list)
    looks: list[Guard] = field(default_factory=list)
    exclusions: list[Guard] = field(default_factory=list)
    judged: int = -1
    ends_at: datetime | None = None
    is_replaced: bool = False
    clerk: str = ""
    cited: tuple[tuple[str, str], ...] = ()
    logged: list[Logged] = field(default_factory=list)
    marks: list[Mark] | None = None
    card: Origin | None = None

    @property
    def is_urgent(self) -> bool:
        """Whether its acts are done on the reserve where nothing else can be done."""
        return self.method in URGENT_METHODS

    def admit(self, tx: Tx) -> None:
        """Run the guards in an act's transaction; what they raise ends the act."""
        if tx.control.newest() != self.judged:
            for guard in self.exclusions:
                guard(tx)
        for guard in self.guards:
            guard(tx)

    def look(self, tx: Tx) -> None:
        """Look in a reading act's transaction whether it may go on; raise Refusal unless it may."""
        newest = tx.control.newest()
        if newest != self.judged:
            for guard in self.exclusions:
                guard(tx)
            self.judged = newest
        for guard in self.looks:
            guard(tx)


_CURRENT: Final[ContextVar[Call | None]] = ContextVar("juki_center_call", default=None)


def enter(call: Call) -> None:
    """Make `call` the one that runs in this context and in the tasks that it begins."""
    _CURRENT.set(call)


def current_call() -> Call | None:
    """Return the call that runs in this context; None for what no call has asked for."""
    return _CURRENT.get()


def about_card(origin: Origin) -> None:
    """Let the call that runs end where the batch is cut off that its card is of."""
    call = current_call()
    if call is not None:
        call.card = origin
