"""A request from a file: JSON with the proto's field names, nothing else taken.

Dates may be written as people write them, such as "昭和45年3月2日", instead of the message
CivilDate. What the file holds is never repeated in an error, but for the names of keys.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

from google.protobuf import json_format
from google.protobuf.message import Message

from juki_client import civil_date
from juki_client.outcome import Problem
from jukinet.residents.v1.civil_date_pb2 import CivilDate

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

Request = TypeVar("Request", bound=Message)

_CIVIL_DATE: Final = CivilDate.DESCRIPTOR.full_name
_CLERK_NAME: Final = "clerk_name"
_WELL_KNOWN: Final = "google.protobuf."
_PARSER_PATH: Final = re.compile(r"(?:Failed to parse \w+ field: )+")


def read_form(source: str, kind: type[Request], *, names_clerk: bool = False) -> Request:
    """Read a file, or `-` for standard input; raise Problem USAGE_INVALID naming what is wrong."""
    return parse_form(read_fields(source), kind, names_clerk=names_clerk)


def read_fields(source: str) -> object:
    """Read a file of JSON, or `-` for standard input; raise Problem USAGE_INVALID."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        fields: object = json.loads(text)
    except (OSError, ValueError) as error:
        raise _invalid("from", "a JSON object") from error
    return fields


def parse_form(fields: object, kind: type[Request], *, names_clerk: bool = False) -> Request:
    """Return the request that JSON says; raise Problem USAGE_INVALID naming what is wrong.

    `names_clerk` is for callers at whom nobody signs in: elsewhere the center writes the name.
    """
    if isinstance(fields, dict) and "request_id" in fields:
        raise _invalid("request_id", "made by the program")
    if isinstance(fields, dict) and _CLERK_NAME in fields and not names_clerk:
        raise _invalid("from", f"unknown key {_CLERK_NAME!r}")
    plain = _checked(fields, cast("Descriptor", kind.DESCRIPTOR), "")
    try:
        return json_format.ParseDict(plain, kind())
    except (json_format.Error, ValueError, TypeError) as error:
        raise _invalid(_path_in(error) or "from", f"a value of {kind.DESCRIPTOR.name}") from error


def _checked(value: object, kind: Descriptor, place: str) -> dict[str, object]:
    """Return an object whose keys are all fields of the message, with its dates parsed."""
    if not isinstance(value, dict):
        raise _invalid(place or "from", "a JSON object")
    checked: dict[str, object] = {}
    for key, content in value.items():
        field = kind.fields_by_name.get(key)
        if field is None:
            raise _invalid(place or "from", f"unknown key {key!r}")
        checked[key] = _content(content, field, f"{place}.{key}" if place else key)
    return checked


def _content(content: object, field: FieldDescriptor, place: str) -> object:
    kind = field.message_type
    if kind is None or kind.full_name.startswith(_WELL_KNOWN):
        return content
    if kind.full_name == _CIVIL_DATE and isinstance(content, str):
        return json_format.MessageToDict(
            civil_date.parse(content, place), preserving_proto_field_name=True
        )
    if field.is_repeated:
        if not isinstance(content, list):
            raise _invalid(place, "a JSON list")
        return [_checked(one, kind, f"{place}[{index}]") for index, one in enumerate(content)]
    return _checked(content, kind, place)


def _path_in(error: Exception) -> str:
    """Return the field's path at the head of a parser's error; its rest may quote a value."""
    head = _PARSER_PATH.match(str(error))
    return ".".join(re.findall(r"parse (\w+) field", head[0])) if head else ""


def _invalid(field: str, rule: str) -> Problem:
    return Problem("USAGE_INVALID", {"field": field, "rule": rule})
