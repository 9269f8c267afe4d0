"""Messages that are encoded once."""

from __future__ import annotations

import pytest

from juki_load.calls.template import Template
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb


def test_a_filled_template_is_the_encoded_message() -> None:
    message = pb.ConfirmByCodeRequest(affair="passport", code="?" * 11, question_id="!" * 36)
    template = Template.of(message, b"?" * 11, b"!" * 36)

    octets = template.filled(b"24727059608", b"q" * 36)

    wanted = pb.ConfirmByCodeRequest(affair="passport", code="24727059608", question_id="q" * 36)
    assert pb.ConfirmByCodeRequest.FromString(octets) == wanted


@pytest.mark.parametrize("places", [(b"#",), (b"?",), (b"passport", b"????")])
def test_a_place_that_does_not_stand_there_once_is_refused(places: tuple[bytes, ...]) -> None:
    message = pb.ConfirmByCodeRequest(affair="passport", code="??")

    with pytest.raises(ValueError, match="once"):
        Template.of(message, *places)


def test_a_value_of_another_length_is_refused() -> None:
    template = Template.of(pb.ConfirmByCodeRequest(code="?" * 11), b"?" * 11)

    with pytest.raises(ValueError, match="fit"):
        template.filled(b"2472705960")
