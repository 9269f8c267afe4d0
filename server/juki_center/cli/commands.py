"""The command line of `juki-center`; what each command does is in the module named here."""

from __future__ import annotations

from typing import Final

import typer

from juki_center.cli.on_demand import Part, group_of

PARTS: Final = (
    Part(
        "approve",
        "approvals",
        "approve",
        "Approve, as the second operator, what the first one has proposed.",
    ),
    Part(
        "proposals",
        "approvals",
        "proposals",
        "List what operators have proposed and is not done, withdrawn or over.",
    ),
    Part(
        "backup",
        "backup",
        "backup",
        "Copy the store into one checked file, as sealed as the store, while the center serves.",
    ),
    Part(
        "restore",
        "restore",
        "restore",
        "Put a copy into the store's place while the center is stopped; its log is examined first.",
    ),
    Part(
        "migrate-store",
        "migrate_store",
        "migrate_store",
        "Move a store into an empty database while the center is stopped, all of it or nothing.",
    ),
    Part(
        "revoke",
        "revoke",
        "revoke_peer",
        "Let a peer or a certificate count no more, for good; what it has under way ends at once.",
    ),
    Part(
        "disconnect",
        "disconnect",
        "disconnect_command",
        "Cut off a terminal, a municipality, an agency, a service, cards or the center, at once.",
    ),
    Part(
        "reconnect",
        "disconnect",
        "reconnect_command",
        "Connect again what was cut off; two operators must want it.",
    ),
    Part(
        "status",
        "disconnect",
        "status_command",
        "Say who is cut off, since when, at which level, why and by whom; and whose updates wait.",
    ),
    Part(
        "drill",
        "drill",
        "drill",
        "Cut a municipality off and suspend a card, measure, and put all back.",
    ),
    Part(
        "serve",
        "serving",
        "serve_command",
        "Listen until SIGTERM or SIGINT; SIGHUP reads keys and configuration again.",
    ),
    Part(
        "dev",
        "dev",
        "dev_command",
        "Run a center with invented residents and their cards, making what is missing.",
    ),
    Part(
        "doctor",
        "doctor",
        "doctor",
        "Check configuration, keys, certificates, store and clock; exit with 3 for a fault.",
    ),
    Part(
        "agency",
        "agency",
        "app",
        "Say which agencies may confirm identities, for what and until when; count what they did.",
    ),
    Part(
        "audit", "audit", "app", "Copy the audit log, prove leaves of it, and examine it offline."
    ),
    Part(
        "alerts",
        "alerts",
        "app",
        "List what the watch over the log has found, look into it, and say that it was seen.",
    ),
    Part(
        "cards",
        "cards_app",
        "app",
        "Look at a card's state, or change it; works beside a center that serves.",
    ),
    Part(
        "certificates",
        "certificates",
        "app",
        "Hand the certificates of enrolled peers to the authority's machine.",
    ),
    Part(
        "clerks",
        "clerks",
        "app",
        "Clerks: who they are, what each may do until when, who is stopped.",
    ),
    Part(
        "codes",
        "codes",
        "app",
        "Fill the municipalities' stocks of resident record codes, and watch them.",
    ),
    Part(
        "enrol",
        "enrol",
        "app",
        "Let terminals, desks and agencies have certificates, and see which they have.",
    ),
    Part(
        "keys",
        "keys",
        "app",
        "Look at the store's keys, or replace one; works beside a center that serves.",
    ),
    Part(
        "municipalities",
        "municipalities",
        "app",
        "Look up municipalities and their ward offices, present and former.",
    ),
    Part(
        "quarantine",
        "quarantine",
        "app",
        "Let a municipality's updates wait, check its register, and release them by two.",
    ),
    Part(
        "queue",
        "queue",
        "app",
        "List what waits for who is cut off; try again, or give up, what was set aside.",
    ),
    Part(
        "residents",
        "residents",
        "app",
        "Fill the registers from files; invent residents for tests and load.",
    ),
    Part(
        "hotlist",
        "hotlist",
        "app",
        "Show who was revoked and how many cards are stopped; export the signed list.",
    ),
    Part(
        "terminals",
        "terminals",
        "app",
        "List the terminals: last report, version, hotlist, certificate, and who is cut off.",
    ),
    Part("schema", "schema", "app", "Look at a store's schema, or take a step back."),
    Part(
        "workers",
        "workers",
        "app",
        "Show the workers of a center that serves by several processes, and replace them.",
    ),
    Part("simulate", "simulate_commands", "app", "Simulate what happens to the registers."),
)
"""Every command, its own help's first sentence beside it."""

app = typer.Typer(
    name="juki-center",
    cls=group_of("juki_center.cli", PARTS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run a center of the resident-register network, and look after it.",
)


@app.callback()
def center() -> None:
    """Do nothing before the command itself."""
