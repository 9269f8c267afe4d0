"""The inside of a cursor of change notices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.agencies.cursors import MOST_OCTETS, Cursor
from juki_center.areas.residents.codes import MunicipalityCode
from tests.support.agencies import POLICY

CODES = sorted({one.code for one in POLICY.municipalities.everything()})
PLACES = st.integers(0, 2**48 - 1)
WAITS = st.dictionaries(st.sampled_from(CODES), PLACES, max_size=100)


@given(PLACES, WAITS)
def test_a_cursor_is_read_as_it_was_written(
    position: int, waits: dict[MunicipalityCode, int]
) -> None:
    cursor = Cursor(position, waits)

    assert Cursor.decode(cursor.encode()) == cursor
    assert cursor.fits


def test_so_many_municipalities_may_wait_as_an_encoded_cursor_has_room_for() -> None:
    most = dict.fromkeys(CODES[:123], 2**48 - 1)

    assert Cursor(2**63, most).fits
    assert len(Cursor(0, most).encode()) <= MOST_OCTETS
    assert not Cursor(0, most | {CODES[123]: 0}).fits
