"""The key that certificate copies and the hotlist are signed by, and what such copies stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.areas.copies.policy import CopyPolicy
from juki_center.areas.copies.signature import CopySigner, CopyTrust
from juki_center.cli import shipped
from juki_pki.folder import PKIFolder

if TYPE_CHECKING:
    from juki_center.config import CenterConfig


def hotlist_signer(config: CenterConfig) -> CopySigner:
    """Return what the hotlist is signed by; raise PKIError where it is not there."""
    return copy_signer(PKIFolder(config.pki_dir))


def copy_signer(pki: PKIFolder) -> CopySigner:
    """Return the folder's key for copies; raise PKIError where it cannot be read."""
    signer = pki.copy_signer()
    return CopySigner(signer.key, signer.certificate.public_bytes(Encoding.DER))


def copy_trust(pki: PKIFolder) -> CopyTrust:
    """Return whose signatures count on a copy that is shown; raise PKIError."""
    signers = pki.trust().copy_signers
    return CopyTrust(tuple(signer.public_bytes(Encoding.DER) for signer in signers))


def copy_policy(config: CenterConfig, pki: PKIFolder) -> CopyPolicy:
    """Return what configuration and keys settle for copies; raise PKIError."""
    return CopyPolicy(
        photo_id_enabled=config.photo_id_enabled,
        municipalities=shipped.municipalities(),
        signer=copy_signer(pki),
    )
