"""`juki-center audit`: copy the log, prove leaves of it, and examine it offline.

Nothing here needs the center's keys, and a center that serves goes on. Whom to trust is named on
the command line and never read from what is examined.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_audit.copies import CopyMalformed, lines_of
from juki_audit.cosigned import reached
from juki_audit.examination import differing_rows, examine
from juki_audit.findings import Finding, Rule
from juki_audit.proven import ProofFile
from juki_center.cli import audit_cosigned, audit_files, audit_proofs
from juki_center.cli.pace import Pace
from juki_center.cli.report import Failure, fail, report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import Reason, Refusal, RuleBroken
from juki_center.storage import log_of

if TYPE_CHECKING:
    from juki_audit.cosigned import CosignedHead
    from juki_audit.examination import Examined, Trust
    from juki_center.cli.audit_files import Earlier
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="Copy the audit log, prove leaves of it, and examine it offline.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
TrustOption = Annotated[
    Path | None, typer.Option(help="The trust folder, or a file with the log's verifiers.")
]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
_MOST_LINES: Final = 50


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; it must not exist yet.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Copy the log into one file, in one state, while the center serves."""
    with reporting("audit export", as_json=as_json), log_of(_store_url(config)) as log:
        note, size = log.checkpoint(), log.size
        if not note:
            raise Refusal(Reason.LOG_NOT_SIGNED)
        lines = lines_of(note, size, log.rows(), log.nodes(0), log.cosigned())
        with Pace("copying", size, unit="leaves") as pace, file.open("xb") as copy:
            for number, line in enumerate(lines):
                copy.write(line)
                if number % 1000 == 0:
                    pace.reached(number, number)
            copy.flush()
            os.fsync(copy.fileno())
    result: dict[str, JSON] = {"file": str(file), "leaves": size, "bytes": file.stat().st_size}
    report("audit export", result, [f"{file}: {size:,} leaves, whole"], as_json=as_json)


@app.command()
def checkpoint(
    config: Config = _DEFAULT_CONFIG,
    cosigned: Annotated[
        bool, typer.Option("--cosigned", help="The newest that enough witnesses have cosigned.")
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """Print the newest signed head: who keeps it can hold the log to it later, by --since."""
    with reporting("audit checkpoint", as_json=as_json), log_of(_store_url(config)) as log:
        if cosigned:
            note = audit_cosigned.newest(log, CenterConfig.load(config)).decode()
        else:
            note = log.checkpoint().decode()
        if not note:
            raise Refusal(Reason.LOG_NOT_COSIGNED if cosigned else Reason.LOG_NOT_SIGNED)
    report("audit checkpoint", {"checkpoint": note}, note.splitlines(), as_json=as_json)


@app.command()
def prove(  # each option is one of the command line
    leaf: Annotated[int | None, typer.Argument(metavar="INDEX", min=0, help="The leaf.")] = None,
    request: Annotated[
        str | None, typer.Option(metavar="ID", help="All leaves of the act of this request.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write to a new file, not to standard output.")
    ] = None,
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Print leaves with their proofs, for anybody who has the log's verifier to check."""
    with reporting("audit prove", as_json=as_json), log_of(_store_url(config)) as log:
        if as_json and out is None:
            raise RuleBroken("JSON_NEEDS_OUT", "--out")
        found = audit_proofs.prove(log, leaf, request)
        if out is not None:
            with out.open("xb") as file:
                file.write(found.encode())
    if out is None:
        typer.echo(found.encode().decode(), nl=False)
    else:
        indexes: list[JSON] = [one.row.index for one in found.leaves]
        lines = [f"{out}: {len(indexes)} leaves, proven"]
        report("audit prove", {"file": str(out), "leaves": indexes}, lines, as_json=as_json)


@app.command()
def verify(  # noqa: PLR0913, PLR0917  # each option is one of the command line
    copy: Annotated[Path | None, typer.Argument(metavar="FILE", help="A copy of the log.")] = None,
    store: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A store, or a backup of one.")
    ] = None,
    proof: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What `audit prove` printed.")
    ] = None,
    trust: TrustOption = None,
    since: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="An earlier head, or an earlier copy; again for more."),
    ] = None,
    witness: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Keys of witnesses; again for more.")
    ] = None,
    need: Annotated[int, typer.Option(min=0, help="So many witnesses must have cosigned.")] = 0,
    as_json: AsJSON = False,
) -> None:
    """Examine a copy, a store or a proof offline; exit with 3 and name what does not hold."""
    with reporting("audit verify", as_json=as_json):
        trusted = audit_files.load_trust(trust, witness or [], need)
        if proof is not None:
            if copy is not None or store is not None:
                raise RuleBroken("COPY_OR_STORE")
            _show_proof(ProofFile.decode(proof.read_bytes()), trusted, as_json=as_json)
            return
        earlier = [audit_files.load_earlier(path, trusted) for path in since or []]
        examined, findings, cosigned = _examined(copy, store, trusted, earlier)
    _conclude(examined, findings, cosigned, as_json=as_json)


def _examined(
    copy: Path | None, store: Path | None, trust: Trust, earlier: list[Earlier]
) -> tuple[Examined | None, list[Finding], CosignedHead | None]:
    with audit_files.records(copy, store) as log:
        try:
            cosigned, findings = audit_cosigned.heads(log, earlier, trust)
            followed = reached(cosigned, trust.needed)
            heads = [one.checkpoint.head for one in earlier] + [one.head for one in cosigned]
            # Witnesses sign some head, and seldom the newest: any that the log grew from counts.
            alone = replace(trust, needed=0)
            with Pace("examining", max(1, log.size), unit="leaves") as pace:
                examined = examine(log, alone, heads, lambda done: pace.reached(done, done))
            findings += examined.findings
            if any(one.rule is Rule.NOT_GROWN for one in findings):
                for one in earlier:
                    findings += differing_rows(one.rows(), log.rows())
        except CopyMalformed as broken:
            malformed = Finding(Rule.MALFORMED, broken.line, broken.line, facts=broken.rule)
            return None, [malformed], None
    if copy is not None and audit_files.is_cut_off(copy):
        findings.append(Finding(Rule.CUT_OFF))
    return examined, list(dict.fromkeys(findings)), followed


def _conclude(
    examined: Examined | None,
    findings: list[Finding],
    cosigned: CosignedHead | None,
    *,
    as_json: bool,
) -> None:
    if findings or examined is None:
        lines = [one.text() for one in findings[:_MOST_LINES]]
        if len(findings) > _MOST_LINES:
            lines.append(f"and {len(findings) - _MOST_LINES} more")
        found = Failure(
            "LOG_NOT_SOUND",
            "the log does not hold:\n  " + "\n  ".join(lines),
            "Keep it as it is, and compare it with an earlier copy; docs/audit.md says how.",
            metadata={str(number): one.text() for number, one in enumerate(findings, 1)},
        )
        fail("audit verify", found, as_json=as_json)
    head = examined.head
    witnesses: list[JSON] = [*(cosigned.witnesses if cosigned else ())]
    result: dict[str, JSON] = {
        "leaves": examined.size,
        "root": head.root.hex() if head else "",
        "witnesses": witnesses,
        "cosigned_leaves": cosigned.head.size if cosigned else 0,
    }
    lines = [f"{examined.size:,} leaves, all as the log signed them: sound"]
    if cosigned:
        names = ", ".join(cosigned.witnesses)
        lines.append(f"the first {cosigned.head.size:,} of them cosigned by {names}")
    report("audit verify", result, lines, as_json=as_json)


def _show_proof(found: ProofFile, trust: Trust, *, as_json: bool) -> None:
    head = trust.checkpoint(found.checkpoint).head
    shown: list[JSON] = []
    lines = []
    for one in found.leaves:
        leaf = audit_proofs.shown(one.row.index, one.verify(head))
        shown.append(leaf)
        lines += [f"{key:12} {value}" for key, value in leaf.items() if value not in ("", [], {})]
        lines.append("")
    lines.append(f"{len(found.leaves)} leaves, in the log of {head.size:,} leaves: proven")
    report("audit verify", {"size": head.size, "leaves": shown}, lines, as_json=as_json)


def _store_url(config: Path) -> str:
    return CenterConfig.load(config).store_url
