"""What the protos must say beside the messages: who may call, which reasons, what to do then.

Reads the committed descriptor set, which carries the options and the comments.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

from jukinet.options.v1 import options_pb2 as options
from tools.checks.report import ROOT, report

PREFIX: Final = "ERROR_REASON_"
REASONS: Final = re.compile(r"\bReasons:\s*([A-Z0-9_,\s]+?)\.", re.DOTALL)
CALLER: Final = re.compile(r"\bThe caller must\b|\bAnyone with a certificate\b|\bAnyone may call\b")
FIELD: Final = re.compile(r"(Required|Optional|Output only)\. ")
JAPANESE: Final = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
# How a comment names a role; a role without a word here fails the check of the comment.
WORDS: Final = {
    "ROLE_TERMINAL": "terminal",
    "ROLE_DESK": "desk",
    "ROLE_AGENCY": "agency",
    "ROLE_OPERATOR": "operator",
    "ROLE_CENTER": "center",
}
# What the request and the answer of a method that the audit log shows have: name, number, type.
RECEIPT: Final = ("receipt", 15, ".jukinet.audit.v1.Receipt")
SEEN: Final = ("seen_tree_size", 15, "TYPE_UINT64")
# Field and enum numbers in descriptor.proto, of which the paths of comments are made.
MESSAGES, ENUMS, SERVICES, FIELDS, NESTED, METHODS, VALUES = 4, 5, 6, 2, 3, 2, 2

Path = tuple[int, ...]
Comments = dict[Path, str]


def findings(descriptors: FileDescriptorSet) -> list[str]:
    """Return everything that a method, a field or a reason of ours does not say."""
    files = [file for file in descriptors.file if file.package.startswith("jukinet.")]
    known = {
        value.name.removeprefix(PREFIX)
        for file in files
        for enum in file.enum_type
        if enum.name == "ErrorReason"
        for value in enum.value
    }
    messages = {
        f".{file.package}.{message.name}": message
        for file in files
        for message in file.message_type
    }
    return [line for file in files for line in in_file(file, known, messages)]


def in_file(
    file: FileDescriptorProto, known: set[str], messages: dict[str, DescriptorProto]
) -> Iterator[str]:
    """Find what one file does not say."""
    comments = {
        tuple(location.path): location.leading_comments.strip()
        for location in file.source_code_info.location
    }
    for index, service in enumerate(file.service):
        for number, method in enumerate(service.method):
            name = f"{file.package}.{service.name}.{method.name}"
            comment = comments.get((SERVICES, index, METHODS, number), "")
            yield from (f"{name}: {fault}" for fault in in_method(method, comment, known))
            yield from (f"{name}: {fault}" for fault in in_receipt(method, messages))
    for enum in file.enum_type:
        if enum.name == "ErrorReason":
            yield from in_reasons(enum)
    if file.service:
        for index, message in enumerate(file.message_type):
            yield from in_message(message, (MESSAGES, index), comments, file.package)


def in_method(method: MethodDescriptorProto, comment: str, known: set[str]) -> Iterator[str]:
    """Find what a method's option and comment do not say."""
    access = method.options.Extensions[options.access]
    roles = [options.Role.Name(role) for role in access.roles]
    if not roles and not access.without_certificate:
        yield "has no access option with roles"
    if options.ROLE_UNSPECIFIED in access.roles or options.PURPOSE_UNSPECIFIED in access.purposes:
        yield "names an unspecified role or purpose"
    yield from in_comment(comment, roles, known)


def in_receipt(
    method: MethodDescriptorProto, messages: dict[str, DescriptorProto]
) -> Iterator[str]:
    """Find the method that writes to the audit log and whose answer has no place for a receipt."""
    if not method.options.Extensions[options.access].audit_event:
        return
    for side, wanted in ((method.input_type, SEEN), (method.output_type, RECEIPT)):
        if wanted not in {_named(field) for field in messages[side].field if _is_plain(field)}:
            name, number, _ = wanted
            yield f"writes to the audit log, but {side[1:]} has no {name} = {number}"


def _named(field: FieldDescriptorProto) -> tuple[str, int, str]:
    kind = field.type_name or FieldDescriptorProto.Type.Name(field.type)
    return field.name, field.number, kind


def _is_plain(field: FieldDescriptorProto) -> bool:
    # An arm of a step could not go with the others, and of many receipts none is that of the act.
    return field.label != FieldDescriptorProto.LABEL_REPEATED and not field.HasField("oneof_index")


def in_comment(comment: str, roles: list[str], known: set[str]) -> Iterator[str]:
    """Find what a method's comment does not say."""
    if not CALLER.search(comment):
        yield "the comment does not say who may call"
    elif "Anyone" not in comment:
        paragraph = comment[comment.index("The caller") :].split("\n\n", maxsplit=1)[0]
        yield from (
            f"the option lets {role} call, the comment does not"
            for role in roles
            if WORDS.get(role, role) not in paragraph
        )
    listed = REASONS.search(comment)
    if not listed:
        yield 'the comment has no list "Reasons: …"'
        return
    names = set(re.split(r"[,\s]+", listed[1].strip()))
    yield from (f"the comment names {name}, no such reason" for name in sorted(names - known))


def in_reasons(enum: EnumDescriptorProto) -> Iterator[str]:
    """Find the error reasons whose options are incomplete."""
    for value in enum.value:
        if value.number == 0:
            continue
        if not value.name.startswith(PREFIX):
            yield f"{value.name}: does not begin with {PREFIX}"
        reason = value.options.Extensions[options.reason]
        yield from (f"{value.name}: {fault}" for fault in in_reason(reason))


def in_reason(reason: options.Reason) -> Iterator[str]:
    """Find what the options of one reason leave out."""
    present = {field.name for field, _ in reason.ListFields()}
    for field in reason.DESCRIPTOR.fields:
        if field.name not in present:
            yield f"has no {field.name}"
        elif field.name.endswith("_ja") and not JAPANESE.search(getattr(reason, field.name)):
            yield f"{field.name} is not Japanese"
        elif field.name.endswith("_en") and JAPANESE.search(getattr(reason, field.name)):
            yield f"{field.name} is not English"


def in_message(
    message: DescriptorProto, path: Path, comments: Comments, package: str
) -> Iterator[str]:
    """Find the fields of a message whose comment does not say whether they are needed."""
    for number, field in enumerate(message.field):
        comment = comments.get((*path, FIELDS, number), "")
        # The arms of a step say when they may be sent; what is needed, the oneof says.
        in_step = field.HasField("oneof_index") and not field.proto3_optional
        if not comment or (not in_step and not FIELD.match(comment)):
            yield (
                f"{package}.{message.name}.{field.name}: the comment does not begin with "
                '"Required.", "Optional." or "Output only."'
            )
    for number, nested in enumerate(message.nested_type):
        yield from in_message(nested, (*path, NESTED, number), comments, package)


def main() -> int:
    """Check the committed descriptor set; return 1 if something is missing."""
    packed = (ROOT / "protos" / "gen" / "jukinet" / "jukinet.binpb").read_bytes()
    descriptors = FileDescriptorSet.FromString(packed)
    methods = sum(len(service.method) for file in descriptors.file for service in file.service)
    reasons = sum(
        len(enum.value) - 1
        for file in descriptors.file
        for enum in file.enum_type
        if enum.name == "ErrorReason"
    )
    return report(findings(descriptors), remark=f"{methods} methods, {reasons} reasons")


if __name__ == "__main__":
    sys.exit(main())
