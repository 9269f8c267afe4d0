"""`sign-in`, `sign-out`, `who`, `approve`: the clerk at this terminal, and the second person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import descriptor_pool, text_format
from google.protobuf.message_factory import GetMessageClass

from juki_client.outcome import JSON, Language, Problem
from juki_client.report import Report, say
from juki_terminal import sign_in as acts
from juki_terminal.cli import entries
from juki_terminal.cli.prompts import confirm
from juki_terminal.cli.sign_in_texts import RIGHTS, Text
from juki_terminal.keyboard import Keyboard
from juki_terminal.register_words import moment_text
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from juki_terminal.cli.settings import Settings
    from jukinet.approvals.v1 import approval_service_pb2 as approvals_pb
    from jukinet.fleet.v1 import terminal_service_pb2 as pb


def sign_in(settings: Settings, pin_from: str | None) -> Report:
    """Sign the holder of the clerk's card in the reader in.

    Raises Problem USAGE_INVALID at once where nobody can type the PIN.
    """
    if pin_from is None:
        Keyboard().require()
    config = settings.config()
    source = entries.pin_source(settings.language, pin_from)
    say(Text.CARD_AWAITED.say(settings.language))
    with settings.center(config) as center:
        around = entries.surroundings(settings, config)
        signed_in = acts.sign_in(center, settings.reader(), source, around)
    return _signed_in(signed_in, settings.language)


def sign_out(settings: Settings) -> Report:
    """Sign out whoever is signed in."""
    with settings.center(settings.config()) as center:
        acts.sign_out(center)
    return Report({"signed_in": False}, Text.SIGNED_OUT.say(settings.language))


def who(settings: Settings) -> Report:
    """Say who is signed in."""
    with settings.center(settings.config()) as center:
        signed_in = acts.who(center)
    return _signed_in(signed_in, settings.language)


def approve(settings: Settings, approval_id: str | None, *, yes: bool) -> Report:
    """Approve a proposal after it was shown; without an id, list all of them."""
    language = settings.language
    with settings.center(settings.config()) as center:
        found = acts.pending(center)
        if approval_id is None:
            return _listed(found, language)
        proposal = next((one for one in found if one.approval_id == approval_id), None)
        if proposal is None:
            raise Problem("APPROVAL_NOT_FOUND")
        if not yes:
            confirm(_described(proposal, language), Text.ASK_APPROVE.say(language), language)
        acts.approve(center, proposal)
    return Report(_row(proposal) | {"approved": True}, Text.APPROVED.say(language, id=approval_id))


def _signed_in(signed_in: pb.SignIn, language: Language) -> Report:
    rights = [options_pb2.Right.Name(one).removeprefix("RIGHT_") for one in signed_in.rights]
    words = rights if language is Language.ENGLISH else [RIGHTS.get(one, one) for one in rights]
    result: dict[str, JSON] = {
        "signed_in": True,
        "clerk_id": signed_in.clerk_id,
        "clerk_name": signed_in.clerk_name,
        "rights": list(rights),
        "expires": signed_in.expire_time.ToJsonString(),
        "idle_until": signed_in.idle_time.ToJsonString(),
    }
    text = Text.SIGNED_IN.say(
        language,
        name=signed_in.clerk_name,
        clerk=signed_in.clerk_id,
        until=moment_text(signed_in.expire_time),
        rights="、".join(words) if language is Language.JAPANESE else ", ".join(words),
    )
    return Report(result, text)


def _listed(found: list[approvals_pb.Proposal], language: Language) -> Report:
    lines = [line for proposal in found for line in _described(proposal, language)]
    text = "\n".join(lines) or Text.NOTHING_PENDING.say(language)
    return Report({"proposals": [_row(proposal) for proposal in found]}, text)


def _described(proposal: approvals_pb.Proposal, language: Language) -> list[str]:
    state = Text.IS_APPROVED if proposal.approved else Text.WAITS
    head = Text.PROPOSAL.say(
        language,
        id=proposal.approval_id,
        method=proposal.method,
        by=proposal.proposer_clerk_id or proposal.proposer_uri,
        until=moment_text(proposal.expire_time),
        state=state.say(language),
    )
    return [head, *(f"    {line}" for line in _act(proposal).splitlines())]


def _act(proposal: approvals_pb.Proposal) -> str:
    """Return the proposed request as text, so that the second person sees what it says."""
    service, _, name = proposal.method.removeprefix("/").partition("/")
    try:
        method = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    except KeyError:
        # A newer center's method: what cannot be shown cannot be approved by a person.
        raise Problem("METHOD_UNKNOWN") from None
    request = GetMessageClass(method.input_type).FromString(proposal.act)
    return text_format.MessageToString(request, as_utf8=True)


def _row(proposal: approvals_pb.Proposal) -> dict[str, JSON]:
    return {
        "approval_id": proposal.approval_id,
        "method": proposal.method,
        "digest": proposal.digest.hex(),
        "proposer": proposal.proposer_clerk_id or proposal.proposer_uri,
        "expires": proposal.expire_time.ToJsonString(),
        "approved": proposal.approved,
    }
