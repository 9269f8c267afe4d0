"""A program that issues copies until it is killed, and says what was acknowledged.

Started with a folder and a file of requests made by `write_requests`; prints a line for each answer
after it has it. Whoever starts it kills it.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from pathlib import Path

from juki_center.areas.copies.commands import CardProof, IssueCopy, Scope
from tests.support.center import CHIYODA, Center, make_policy, make_signer, open_test_store

AT_ONCE = 8


async def finish_sessions(center: Center, count: int) -> list[IssueCopy]:
    """Finish card sessions and return requests for them."""
    people = ("yoshida-taro", "takahashi-ichiro", "kamiya-jun", "katsuragi-rei")
    commands = await asyncio.gather(
        *(center.command(people[number % 4]) for number in range(count))
    )
    return list(commands)


def write_requests(requests: list[IssueCopy], file: Path) -> None:
    """Write requests to a file that `read_requests` reads."""
    lines = [
        f"{command.request_id} {command.proof.session_id.hex()}"
        for command in requests
        if isinstance(command.proof, CardProof)
    ]
    file.write_text("\n".join(lines), encoding="utf-8")


def read_requests(file: Path) -> list[IssueCopy]:
    """Return the requests of a file."""
    pairs = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        IssueCopy(CHIYODA, uuid.UUID(one), CardProof(bytes.fromhex(session)), Scope.SELF, 300)
        for one, session in pairs
    ]


async def issue_all(folder: Path, requests: list[IssueCopy]) -> None:
    """Issue all requests, several at once, printing each answer when it is there."""
    center = Center(open_test_store(folder), make_policy(make_signer()[0]), make_signer()[1])
    queue = iter(requests)

    async def work() -> None:
        for request in queue:
            copy = await center.issue(request)
            print(request.request_id, copy.issue.issue_number, flush=True)

    print("ready", flush=True)
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    center.store.close()


if __name__ == "__main__":
    asyncio.run(issue_all(Path(sys.argv[1]), read_requests(Path(sys.argv[2]))))
