"""A center does not start with keys that are not on P-256, its own or those above it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from juki_center.cli import assembly
from juki_center.cli.opening import opened_store
from juki_center.config import CenterConfig
from juki_center.storage.keys import create_kek
from juki_pki.errors import KeyUnsuited
from juki_pki.folder import PKIFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KEYS: dict[str, Callable[[], Key]] = {
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
CERTIFICATES = (
    "center/center-1/certificate.pem",
    "center/center-1/chain.pem",
    "copy-signer/certificate.pem",
    "trust/root.pem",
    "trust/issuing.pem",
    "trust/center-leaves.pem",
    "trust/copy-signers.pem",
    "trust/card-signers.pem",
)


@pytest.fixture
def config(pki: PKIFolder, tmp_path: Path) -> CenterConfig:
    """The configuration of a center with a PKI folder of its own."""
    shutil.copytree(pki.path, tmp_path / "pki")
    create_kek(tmp_path / "kek")
    table = {
        "environment": "production",
        "pki": {"dir": "pki"},
        "keys": {"kek": "kek"},
        "store": {"url": "sqlite:///center.sqlite"},
        "listen": {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0"},
    }
    return CenterConfig.parse(table, base=tmp_path)


def certificate_of(key: Key) -> bytes:
    """A certificate that is in order but for its key."""
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]), datetime.now(UTC)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)


def key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


async def start(config: CenterConfig) -> int:
    """Start a center, and return the port that it listens on."""
    async with (
        opened_store(config) as store,
        assembly.listening(config, store) as server,
    ):
        return server.grpc_port


async def test_center_starts_with_keys_on_p_256(config: CenterConfig) -> None:
    assert await start(config)


@pytest.mark.parametrize("kind", KEYS)
async def test_center_does_not_start_with_a_key_of_its_own_elsewhere(
    config: CenterConfig, kind: str
) -> None:
    key, place = KEYS[kind](), config.pki_dir / "center" / config.node
    (place / "key.pem").write_bytes(key_pem(key))
    for name in ("certificate.pem", "chain.pem"):
        (place / name).write_bytes(certificate_of(key))

    with pytest.raises(KeyUnsuited, match="not on P-256"):
        await start(config)


@pytest.mark.parametrize("name", CERTIFICATES)
@pytest.mark.parametrize("kind", ["P-384", "RSA"])
async def test_center_does_not_start_with_a_certificate_for_another_kind_of_key(
    config: CenterConfig, name: str, kind: str
) -> None:
    """Among them each of the chain that the center shows, and each that it takes peers on."""
    path = config.pki_dir / name
    path.write_bytes(path.read_bytes() + certificate_of(KEYS[kind]()))

    with pytest.raises(KeyUnsuited, match=path.name):
        await start(config)
