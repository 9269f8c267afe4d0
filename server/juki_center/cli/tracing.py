"""What traces a center's calls: nothing, or OpenTelemetry where the configuration says so."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from juki_center.errors import ConfigInvalid
from juki_center.rpc.tracing import NO_TRACING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_center.config import CenterConfig
    from juki_center.rpc.tracing import Tracing


@contextmanager
def tracing_of(config: CenterConfig) -> Iterator[Tracing]:
    """Give what traces calls until the block ends.

    Raises ConfigInvalid where traces are asked for and the extra `tracing` is not installed.
    """
    if not config.trace.ratio:
        yield NO_TRACING
        return
    try:
        # It takes longer to load than a center takes to start.
        from juki_center.rpc.open_telemetry import exporting  # noqa: PLC0415
    except ImportError as error:
        raise ConfigInvalid("trace.ratio", "needs the extra: jukinet-center[tracing]") from error
    with exporting(config.trace.endpoint, ratio=config.trace.ratio, node=config.node) as tracing:
        yield tracing
