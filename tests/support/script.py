"""A card that answers from a script and insists on the commands that the script expects."""

from __future__ import annotations

from dataclasses import dataclass, field

from juki_card.apdu import CommandAPDU, ResponseAPDU


@dataclass(slots=True)
class Script:
    """Exchanges to replay, as octets. A command of None is not compared."""

    exchanges: list[tuple[bytes | None, bytes]]
    position: int = field(default=0)

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        """Answer the next command of the script; fail where another one comes."""
        assert self.position < len(self.exchanges), f"one command too many: {command}"
        expected, answer = self.exchanges[self.position]
        assert expected is None or command.encode().hex() == expected.hex()
        self.position += 1
        return ResponseAPDU.decode(answer)

    @property
    def finished(self) -> bool:
        """Say whether every exchange was played."""
        return self.position == len(self.exchanges)

    @classmethod
    def of_hex(cls, *exchanges: tuple[str | None, str]) -> Script:
        """Make a script from hex strings."""
        return cls(
            [
                (None if command is None else bytes.fromhex(command), bytes.fromhex(answer))
                for command, answer in exchanges
            ]
        )
