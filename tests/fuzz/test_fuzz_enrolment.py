"""What strangers send to be enrolled, and what a center says of itself, meets no other error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from juki_center.areas.fleet.certificates import Presented
from juki_center.errors import Reason, Refusal
from juki_center.rpc import recovery_request
from juki_pki import descriptions, make
from juki_pki.certify import new_key
from juki_pki.descriptions import Described
from juki_pki.errors import DescriptionsRefused, RequestRefused
from juki_pki.profile import Profiles
from juki_pki.requests import make_request, parse_request
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from tests.unit.center_rpc.test_recovery import request_of

if TYPE_CHECKING:
    from juki_pki.folder import PKIFolder

quick = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
REQUEST = make_request(new_key())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> PKIFolder:
    return make.init(tmp_path_factory.mktemp("pki") / "pki", Profiles.load(), datetime.now(UTC))


@pytest.fixture(scope="module")
def recovery(folder: PKIFolder) -> bytes:
    request = request_of(folder.terminal("131016", "01"), new_key())
    return request.SerializeToString()


def mutated(octets: bytes, data: st.DataObject) -> bytes:
    """Return octets with some of them changed, cut, or something added."""
    place = data.draw(st.integers(0, len(octets) - 1))
    end = data.draw(st.integers(place, min(len(octets), place + 8)))
    return octets[:place] + data.draw(st.binary(max_size=8)) + octets[end:]


@quick
@given(data=st.data())
def test_a_changed_request_is_parsed_or_refused(data: st.DataObject) -> None:
    octets = data.draw(st.binary(max_size=300)) if data.draw(st.booleans()) else REQUEST
    changed = mutated(octets, data) if octets else octets

    try:
        found = parse_request(changed).key_sha256
    except RequestRefused as refused:
        assert refused.rule  # noqa: PT017  # refused or not, both are right
    else:
        assert found == parse_request(REQUEST).key_sha256


@quick
@given(data=st.data())
def test_a_changed_recovery_is_refused_or_is_the_same_one(
    folder: PKIFolder, recovery: bytes, data: st.DataObject
) -> None:
    request = pb.RecoverCertificateRequest.FromString(recovery)
    field = data.draw(st.sampled_from(["certificate", "signature"]))
    whole = pb.RecoverCertificateRequest.FromString(recovery)
    setattr(request, field, mutated(getattr(request, field), data))

    try:
        shown = recovery_request.checked(
            request, parse_request(request.certificate_request), folder.trust().issuings
        )
    except Refusal as refusal:
        assert refusal.reason is Reason.RECOVERY_REFUSED  # noqa: PT017  # as above
    else:
        assert isinstance(shown.certificate, Presented)
        assert whole.certificate == request.certificate


@quick
@given(data=st.data())
def test_changed_descriptions_prove_themselves_or_are_refused(
    folder: PKIFolder, data: st.DataObject
) -> None:
    whole = descriptions.read(folder)
    trusted = whole.files[descriptions.CVCA]
    name = data.draw(st.sampled_from(sorted(whole.files)))
    changed = Described(
        {**whole.files, name: mutated(whole.files[name], data)}
        if whole.files[name]
        else {**whole.files, name: data.draw(st.binary(max_size=50))},
        whole.access_certificates,
    )

    try:
        descriptions.prove(changed, datetime.now(UTC).date(), trusted=trusted)
    except DescriptionsRefused as refused:
        assert refused.rule  # noqa: PT017  # refused or not, both are right
    else:
        proved = {descriptions.CVCA, descriptions.DV}
        assert name not in proved or changed.files[name] == whole.files[name]
