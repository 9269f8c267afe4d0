"""Who may call what: the table in docs/authorisation.md is the one of the descriptor.

Everything in it is read from the access options and from the rules of the services that are not
ours. `--write` writes it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from jukinet.options.v1 import options_pb2 as options
from tools.checks.report import ROOT, report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.descriptor_pb2 import MethodDescriptorProto

PAGE: Final = ROOT / "docs" / "authorisation.md"
BEGIN: Final = "<!-- the table below is made by python -m tools.checks.authorisation --write -->\n"
ROLES: Final = ("terminal", "desk", "agency", "operator", "center")
_CLERKS: Final = {
    options.CLERK_RULE_UNSPECIFIED: "",
    options.CLERK_RULE_SIGNED_IN: "signed in",
    options.CLERK_RULE_SIGNED_IN_WITHOUT_CARD: "without a card",
}
# They carry no option: what they show is settled in `juki_center.rpc.server`.
_BESIDE: Final = (
    ("grpc.health.v1.Health", "every method", ROLES),
    ("grpc.reflection", "every method; not in production", ROLES),
    ("grpc.channelz.v1.Channelz", "every method", ("operator",)),
)


def table() -> str:
    """Return the table, one line for each method."""
    head = (
        "service",
        "method",
        "nobody",
        *ROLES,
        "clerk",
        "right",
        "two persons",
        "card session",
        "log",
    )
    lines = [_line(head), _line(["---"] * len(head))]
    lines += [_line(row) for row in _rows()]
    for service, method, roles in _BESIDE:
        marks = ["x" if role in roles else "" for role in ROLES]
        lines.append(_line([service, method, "", *marks, "", "", "", "", ""]))
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[list[str]]:
    packed = (ROOT / "protos" / "gen" / "jukinet" / "jukinet.binpb").read_bytes()
    for file in FileDescriptorSet.FromString(packed).file:
        for service in file.service:
            for method in service.method:
                yield [f"{file.package}.{service.name}", method.name, *_cells(method)]


def _cells(method: MethodDescriptorProto) -> list[str]:
    access = method.options.Extensions[options.access]
    allowed = {options.Role.Name(role).removeprefix("ROLE_").lower() for role in access.roles}
    purposes = [options.Purpose.Name(one).removeprefix("PURPOSE_") for one in access.purposes]
    right = options.Right.Name(access.right).removeprefix("RIGHT_")
    return [
        "x" if access.without_certificate else "",
        *("x" if role in allowed else "" for role in ROLES),
        _CLERKS[access.clerk],
        "" if access.right == options.RIGHT_UNSPECIFIED else right.lower(),
        _second(access),
        ", ".join(purposes).lower().replace("_", " "),
        access.audit_event,
    ]


def _second(access: options.Access) -> str:
    if not access.two_persons:
        return ""
    return "for " + ", ".join(access.two_persons_for) if access.two_persons_for else "yes"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def expected(page: str) -> str:
    """Return the page as it should be: what stands before the table, and the table."""
    return page.partition(BEGIN)[0] + BEGIN + "\n" + table()


def main() -> int:
    """Compare the page with the descriptor, or write it; return 1 where they differ."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    wanted = expected(page)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    findings = (
        [] if page == wanted else ["docs/authorisation.md: not what the options say; --write"]
    )
    return report(findings, remark=f"{len(list(_rows()))} methods")


if __name__ == "__main__":
    sys.exit(main())
