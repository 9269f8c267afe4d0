"""How a command orders something at the center's local socket: one line there, one line back."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Final

from juki_center.errors import ConfigInvalid, Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from juki_center.cli.report import JSON
    from juki_center.config import CenterConfig

_SECONDS: Final = 10.0


def since(config: CenterConfig, order: Mapping[str, JSON]) -> str:
    """Give an order; return since when what it closes is closed.

    Raises Refusal with the center's reason, ConfigInvalid where there is no socket, and OSError.
    """
    if config.listen_local is None:
        raise ConfigInvalid("listen.local", "missing")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_SECONDS)
        try:
            line.connect(str(config.listen_local))
        except OSError as error:
            # The system does not say by itself which socket it was.
            raise type(error)(error.errno, error.strerror, str(config.listen_local)) from error
        line.sendall(json.dumps(order).encode() + b"\n")
        with line.makefile("rb") as answers:
            answer = json.loads(answers.readline() or b"{}")
    if not answer.get("ok"):
        raise Refusal(Reason(answer.get("reason", "OUTCOME_UNKNOWN")), **answer.get("metadata", {}))
    return str(answer["since"])
