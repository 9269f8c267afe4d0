"""Who is signed in, said before a clerk is asked for anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_client.report import say
from juki_terminal.cli.sign_in_texts import Text
from juki_terminal.sign_in import who

if TYPE_CHECKING:
    from juki_client.outcome import Language
    from juki_terminal.channel import Center


def require_clerk(center: Center, language: Language) -> None:
    """Say who is signed in; raise Problem CLERK_SIGN_IN_REQUIRED where nobody is.

    Nobody answers a page of questions for an act that the center then refuses.
    """
    signed_in = who(center)
    say(Text.AT_WORK.say(language, name=signed_in.clerk_name, clerk=signed_in.clerk_id))
