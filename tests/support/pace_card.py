"""A card that knows PACE and nothing else, with the secrets that a test gives it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from juki_card import ec, pace, tlv
from juki_card.apdu import SW, CommandAPDU, ResponseAPDU
from juki_card.passwords import Password
from juki_card.secure_messaging import SessionKeys


@dataclass
class PACECard:
    """The card's side of PACE, made of the shared arithmetic; `wrong` answers a wrong token."""

    password: Password
    nonce: bytes
    mapping: ec.Scalar
    agreement: ec.Scalar
    trust_points: tuple[bytes, ...] = ()
    wrong: int = 0x63C2
    keys: SessionKeys | None = None
    point: bytes = b""
    _generator: ec.MappedGenerator | None = field(default=None, repr=False)
    _agreed: pace.Agreement | None = field(default=None, repr=False)

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        """Answer one GENERAL AUTHENTICATE."""
        objects = tlv.parse_all(tlv.expect(command.data, pace.DYNAMIC_DATA))
        if not objects:
            encrypted = pace.encrypt_nonce(self.password, self.nonce)
            return _answer(tlv.encode(pace.ENCRYPTED_NONCE, encrypted))
        (item,) = objects
        match item.tag:
            case pace.MAP_READER:
                return self._map(item.value)
            case pace.KEY_READER:
                return self._agree(item.value)
            case _:
                return self._compare(item.value)

    def _map(self, peer: bytes) -> ResponseAPDU:
        point = ec.decode_point(self.mapping.domain, peer)
        self._generator = ec.map_generator(self.nonce, self.mapping, point)
        own = ec.encode_point(self.mapping.key().public_key())
        return _answer(tlv.encode(pace.MAP_CARD, own))

    def _agree(self, peer: bytes) -> ResponseAPDU:
        assert self._generator is not None
        self.point = ec.encode_point(self._generator.public_key(self.agreement))
        key = ec.decode_point(self.agreement.domain, peer)
        self._agreed = pace.agree(self.agreement, peer, self.point, peer=key)
        return _answer(tlv.encode(pace.KEY_CARD, self.point))

    def _compare(self, token: bytes) -> ResponseAPDU:
        assert self._agreed is not None
        if not hmac.compare_digest(token, self._agreed.token_reader):
            return ResponseAPDU(b"", self.wrong)
        self.keys = self._agreed.keys
        objects = tlv.encode(pace.TOKEN_CARD, self._agreed.token_card)
        tags = (pace.TRUST_POINT, pace.OLDER_TRUST_POINT)
        for tag, name in zip(tags, self.trust_points, strict=False):
            objects += tlv.encode(tag, name)
        return _answer(objects)


def _answer(objects: bytes) -> ResponseAPDU:
    return ResponseAPDU(tlv.encode(pace.DYNAMIC_DATA, objects), SW.OK)
