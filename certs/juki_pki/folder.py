"""The PKI folder: where each key and certificate lies, and typed readers for them.

    root/ issuing/ copy-signer/ card-signer/        certificate.pem key.pem
    center/<node>/ terminal/<code>-<id>/ desk/<code>-<id>/ agency/<id>/ operator/<id>/
                                                    certificate.pem chain.pem key.pem
    cv/{cvca,dv,at-center-*}/                       certificate.cvcert key.pem description.der
    log-signer/                                     key.pem verifier (see `log_signer`)
    trust/                                          everything public (see `trust`)
    personalisation.key                             the key that all blank chips' keys come from

Making the files is not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_card.blank_key import MasterKey
from juki_card.errors import ParseError
from juki_pki.credential import CVCredential, X509Credential
from juki_pki.errors import Unreadable
from juki_pki.files import read_key
from juki_pki.identity import PeerIdentity, Role
from juki_pki.log_signer import FOLDER as LOG_SIGNER
from juki_pki.log_signer import LogKey
from juki_pki.profile import Kind
from juki_pki.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Iterator

PERSONALISATION_KEY: Final = "personalisation.key"


@dataclass(frozen=True, slots=True)
class PKIFolder:
    """A PKI folder. Every reader raises PKIError for what is missing, broken or exposed."""

    path: Path

    def root(self) -> X509Credential:
        """Return the root authority."""
        return X509Credential.load(self.path / Kind.ROOT)

    def issuing(self) -> X509Credential:
        """Return the issuing authority."""
        return X509Credential.load(self.path / Kind.ISSUING)

    def copy_signer(self) -> X509Credential:
        """Return the signer of certificate copies."""
        return X509Credential.load(self.path / Kind.COPY_SIGNER, in_token=True)

    def card_signer(self) -> X509Credential:
        """Return the signer of EF.CardSecurity."""
        return X509Credential.load(self.path / Kind.CARD_SIGNER)

    def log_signer(self) -> LogKey:
        """Return the key that signs the heads of the audit log.

        Folders of before have none: `juki-pki issue log-signer` makes it.
        """
        return LogKey.load(self.log_signer_path)

    @property
    def log_signer_path(self) -> Path:
        """The folder of the log's key, whether it is there or not."""
        return self.path / LOG_SIGNER

    def personalisation_key(self) -> MasterKey:
        """Return the key from which every blank chip's key is derived.

        Folders of before have none: `juki-pki issue personalisation-key` makes it.
        """
        octets = read_key(self.personalisation_key_path)
        try:
            return MasterKey.decode(octets)
        except ParseError as error:
            raise Unreadable(str(self.personalisation_key_path), str(error)) from None

    @property
    def personalisation_key_path(self) -> Path:
        """The file of the personalisation key, whether it is there or not."""
        return self.path / PERSONALISATION_KEY

    def peer(self, identity: PeerIdentity) -> X509Credential:
        """Return a peer's credential."""
        return X509Credential.load(self.peer_path(identity))

    def peer_path(self, identity: PeerIdentity) -> Path:
        """Return the folder of a peer's credential, whether it is there or not."""
        return self.path / identity.folder

    def center(self, node: str) -> X509Credential:
        """Return a center node's TLS credential."""
        return self.peer(PeerIdentity(Role.CENTER, node))

    def terminal(self, municipality: str, name: str) -> X509Credential:
        """Return a window terminal's credential."""
        return self.peer(PeerIdentity(Role.TERMINAL, name, municipality))

    def desk(self, municipality: str, name: str) -> X509Credential:
        """Return a municipal desk's credential."""
        return self.peer(PeerIdentity(Role.DESK, name, municipality))

    def agency(self, name: str) -> X509Credential:
        """Return an agency's credential."""
        return self.peer(PeerIdentity(Role.AGENCY, name))

    def operator(self, name: str) -> X509Credential:
        """Return a center operator's credential."""
        return self.peer(PeerIdentity(Role.OPERATOR, name))

    def peers(self, role: Role) -> Iterator[PeerIdentity]:
        """Yield the peers of one role that have a folder, by name."""
        for folder in sorted((self.path / role).glob("[!.]*")):
            yield PeerIdentity.from_label(role, folder.name)

    def cv(self, name: str) -> CVCredential:
        """Return a card access credential: cvca, dv, or at-center-auth, -window or -id."""
        return CVCredential.load(self.cv_path(Kind(name)))

    def cv_path(self, kind: Kind) -> Path:
        """Return the folder of a card access credential, whether it is there or not."""
        return self.path / "cv" / kind

    @property
    def trust_path(self) -> Path:
        """The folder of all public parts, which a terminal gets."""
        return self.path / "trust"

    def trust(self) -> Trust:
        """Return all public parts."""
        return Trust.load(self.trust_path)
