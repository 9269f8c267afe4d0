"""Requests that need two persons, as an approval binds them: their octets without what varies.

What belongs to the sending and not to the act is left out: the request id, the approval's own id,
the caller's view of the log, and the clerk's name, which the center writes itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from google.protobuf import descriptor_pool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from juki_center.rpc import fields

if TYPE_CHECKING:
    from juki_center.rpc.options import AccessRule

APPROVAL_ID = "approval_id"
REQUEST_ID = "request_id"
_NOT_OF_THE_ACT = (REQUEST_ID, APPROVAL_ID, "seen_tree_size", "clerk_name", "receipt")


def needs_approval(rule: AccessRule, request: Message) -> bool:
    """Return whether this request needs a second person."""
    if not rule.two_persons:
        return False
    named = rule.two_persons_for
    return not named or any(request.HasField(name) for name in named)


def act_octets(request: Message) -> bytes:
    """Return the deterministic octets of what a request asks for."""
    act = type(request)()
    act.CopyFrom(request)
    for name in _NOT_OF_THE_ACT:
        if name in act.DESCRIPTOR.fields_by_name:
            act.ClearField(name)
    return act.SerializeToString(deterministic=True)


def proposed(rule: AccessRule, octets: bytes) -> Message:
    """Parse the request that is proposed for a method.

    Raises FIELD_INVALID: for octets that are no such request, with fields that this center does not
    know, or that need no second person.
    """
    request = _request_class(rule.method)()
    try:
        request.ParseFromString(octets)
    except DecodeError:
        raise fields.invalid("act", "PROTOBUF") from None
    known = type(request)()
    known.CopyFrom(request)
    known.DiscardUnknownFields()
    if known.ByteSize() != request.ByteSize():
        raise fields.invalid("act", "UNKNOWN_FIELD")
    if not needs_approval(rule, request):
        raise fields.invalid("act", "NEEDS_NO_APPROVAL")
    return request


@cache
def _request_class(method: str) -> type[Message]:
    service, _, name = method.removeprefix("/").partition("/")
    found = descriptor_pool.Default().FindServiceByName(service)
    return GetMessageClass(found.methods_by_name[name].input_type)
