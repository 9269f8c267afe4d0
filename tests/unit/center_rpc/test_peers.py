"""Who a client certificate names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization

from juki_center.errors import Reason, Refusal
from juki_center.rpc.peers import Peers

if TYPE_CHECKING:
    from cryptography import x509

    from juki_pki.folder import PKIFolder


def context(certificate: x509.Certificate) -> dict[str, list[bytes]]:
    return {"x509_pem_cert": [certificate.public_bytes(serialization.Encoding.PEM)]}


def test_same_certificate_is_parsed_once(pki: PKIFolder) -> None:
    peers, leaf = Peers(), pki.terminal("131016", "01")
    now = datetime.now(UTC)

    first = peers.caller(context(leaf.certificate), now)

    assert peers.caller(context(leaf.certificate), now) is first
    assert first.identity.uri == "juki://municipality/131016/terminal/01"
    assert first.certificate_sha256 == leaf.certificate_sha256


def test_oldest_caller_is_forgotten_at_capacity(pki: PKIFolder) -> None:
    peers, now = Peers(capacity=1), datetime.now(UTC)
    first = peers.caller(context(pki.terminal("131016", "01").certificate), now)

    peers.caller(context(pki.terminal("131016", "02").certificate), now)

    assert peers.caller(context(pki.terminal("131016", "01").certificate), now) is not first


@pytest.mark.parametrize(
    "auth_context",
    [{}, {"x509_pem_cert": []}, {"x509_pem_cert": [b"not a certificate"]}],
    ids=["nothing", "empty", "no-certificate"],
)
def test_connection_without_a_certificate_is_unauthenticated(
    auth_context: dict[str, list[bytes]],
) -> None:
    with pytest.raises(Refusal) as raised:
        Peers().caller(auth_context, datetime.now(UTC))

    assert raised.value.reason is Reason.UNAUTHENTICATED


def test_certificate_without_an_identity_is_unauthenticated(pki: PKIFolder) -> None:
    with pytest.raises(Refusal) as raised:
        Peers().caller(context(pki.copy_signer().certificate), datetime.now(UTC))

    assert raised.value.reason is Reason.UNAUTHENTICATED
