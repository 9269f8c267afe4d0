"""Chip Authentication version 2, the card's side (TR-03110-2, 3.4; TR-03110-3, B.2 and B.11.2).

The key of the agreement is the one that Terminal Authentication signed, so the new channel ends at
whoever made that signature; the keys of PACE are dead from here on.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from juki_card import chip_authentication, ec
from juki_card.apdu import SW
from juki_card.errors import AuthenticationFailed
from juki_card.virtual.session import ChipDone, ChipKeyNamed, SecuredBy
from juki_card.virtual.turn import Refused

if TYPE_CHECKING:
    from juki_card.virtual.session import TerminalDone
    from juki_card.virtual.turn import Transition, Turn


def name_key(turn: Turn, stage: TerminalDone) -> Transition:
    """MSE:Set AT: name the protocol and, where it is given, the card's key."""
    turn.expects_no_answer_data()
    key_id = chip_authentication.decode_mse_set_at(turn.command.data)
    if key_id not in (None, turn.memory.chip_key_id):
        raise Refused(SW.REFERENCED_DATA_NOT_FOUND)
    return turn.onward(ChipKeyNamed(stage))


def agree(turn: Turn, stage: ChipKeyNamed) -> Transition:
    """GENERAL AUTHENTICATE: agree on new keys, prove the card with a token, restart the channel."""
    turn.expects_answer_data()
    point = chip_authentication.decode_general_authenticate(turn.command.data)
    key = turn.memory.chip_key
    peer = ec.decode_point(ec.domain_of_key(key), point)
    if not hmac.compare_digest(ec.compress(point), stage.terminal.ephemeral):
        raise AuthenticationFailed("CA: another key than the one that the terminal signed")
    nonce = turn.chance.octets(chip_authentication.NONCE_SIZE)
    agreed = chip_authentication.agree(key, peer, nonce=nonce, ephemeral=point)
    answer = chip_authentication.encode_answer(nonce, agreed.token)
    return turn.onward(ChipDone(stage.terminal), answer, secured=SecuredBy(agreed.keys))
