"""The check of the protos finds what a method, a field or a reason leaves out."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from subprocess import run

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tools.checks import contract
from tools.checks.report import ROOT

SERVICE = """\
syntax = "proto3";
package jukinet.trial.v1;
import "jukinet/options/v1/options.proto";
import "jukinet/error/v1/error_reason.proto";
// A service.
service TrialService {
  // Does something.
  //
  // The caller must present a terminal certificate.
  //
  // Reasons: FIELD_INVALID.
  rpc Try(TryRequest) returns (TryResponse) {
    option (jukinet.options.v1.access) = {roles: [ROLE_TERMINAL]};
  }
}
// A request.
message TryRequest {
  // Required. A number.
  int32 number = 1;
}
// An answer.
message TryResponse {}
"""

REASONS = """\
syntax = "proto3";
package jukinet.trial.v1;
import "jukinet/options/v1/options.proto";
// Reasons.
enum ErrorReason {
  // Never sent.
  ERROR_REASON_UNSPECIFIED = 0;
  // Something.
  ERROR_REASON_TRIAL = 1 [(jukinet.options.v1.reason) = {
    code: STATUS_CODE_ABORTED
    retry: RETRY_NEVER
    part: PART_CENTER
    text_ja: "試しです。"
    text_en: "A trial."
    remedy_ja: "待ちます。"
    remedy_en: "Wait."
  }];
}
"""


def compile_proto(folder: Path, text: str) -> FileDescriptorSet:
    """Return the descriptors of a proto with this text, comments included."""
    (folder / "trial.proto").write_text(text, encoding="utf-8")
    run(
        [
            sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{ROOT / 'protos'}",
            f"-I{files('grpc_tools') / '_proto'}", f"--descriptor_set_out={folder / 'set'}",
            "--include_imports", "--include_source_info", "trial.proto",
        ],
        check=True,
    )  # fmt: skip
    return FileDescriptorSet.FromString((folder / "set").read_bytes())


def of_trial(folder: Path, text: str) -> list[str]:
    """Return the findings for a proto with this text."""
    return contract.findings(compile_proto(folder, text))


@pytest.mark.parametrize("text", [SERVICE, REASONS])
def test_complete_proto_has_no_finding(tmp_path: Path, text: str) -> None:
    assert of_trial(tmp_path, text) == []


@pytest.mark.parametrize(
    ("given", "instead", "finding"),
    [
        ("option (jukinet.options.v1.access) = {roles: [ROLE_TERMINAL]};", "", "no access option"),
        ("{roles: [ROLE_TERMINAL]}", '{audit_event: "X"}', "no access option with roles"),
        ("[ROLE_TERMINAL]", "[ROLE_UNSPECIFIED, ROLE_TERMINAL]", "unspecified role"),
        ("[ROLE_TERMINAL]", "[ROLE_TERMINAL, ROLE_AGENCY]", "lets ROLE_AGENCY call"),
        ("// The caller must present a terminal certificate.", "//", "who may call"),
        ("// Reasons: FIELD_INVALID.", "//", "no list"),
        ("Reasons: FIELD_INVALID.", "Reasons: FIELD_INVALID, FIELD_ODD.", "names FIELD_ODD"),
        ("// Required. A number.", "// A number.", "TryRequest.number"),
        ("// Required. A number.", "", "TryRequest.number"),
    ],
)
def test_incomplete_service_is_found(
    tmp_path: Path, given: str, instead: str, finding: str
) -> None:
    assert given in SERVICE

    found = of_trial(tmp_path, SERVICE.replace(given, instead))

    assert any(finding in line for line in found), found


@pytest.mark.parametrize(
    ("given", "instead", "finding"),
    [
        ("code: STATUS_CODE_ABORTED", "", "has no code"),
        ("retry: RETRY_NEVER", "", "has no retry"),
        ("part: PART_CENTER", "part: PART_UNSPECIFIED", "has no part"),
        ('text_ja: "試しです。"', "", "has no text_ja"),
        ('text_ja: "試しです。"', 'text_ja: "A trial."', "text_ja is not Japanese"),
        ('remedy_ja: "待ちます。"', "", "has no remedy_ja"),
        ('remedy_en: "Wait."', "", "has no remedy_en"),
        ('text_en: "A trial."', 'text_en: "試し"', "text_en is not English"),
    ],
)
def test_incomplete_reason_is_found(tmp_path: Path, given: str, instead: str, finding: str) -> None:
    assert given in REASONS

    found = of_trial(tmp_path, REASONS.replace(given, instead))

    assert found == [f"ERROR_REASON_TRIAL: {finding}"]


LOGGED = (
    SERVICE.replace("{roles: [ROLE_TERMINAL]}", '{roles: [ROLE_TERMINAL], audit_event: "TRIED"}')
    .replace(
        "  int32 number = 1;\n",
        "  int32 number = 1;\n  // Optional. The size of a tree.\n  uint64 seen_tree_size = 15;\n",
    )
    .replace(
        "message TryResponse {}\n",
        "message TryResponse {\n"
        "  // Output only. The receipt.\n"
        "  jukinet.audit.v1.Receipt receipt = 15;\n"
        "}\n",
    )
    .replace(
        'import "jukinet/error/v1/error_reason.proto";\n',
        'import "jukinet/error/v1/error_reason.proto";\nimport "jukinet/audit/v1/receipt.proto";\n',
    )
)


def test_logged_method_with_receipt_has_no_finding(tmp_path: Path) -> None:
    assert of_trial(tmp_path, LOGGED) == []


@pytest.mark.parametrize(
    ("given", "instead", "finding"),
    [
        ("Receipt receipt = 15;", "Receipt receipt = 14;", "TryResponse has no receipt = 15"),
        ("Receipt receipt = 15;", "Receipt paper = 15;", "TryResponse has no receipt = 15"),
        ("Receipt receipt", "LoggedLeaf receipt", "TryResponse has no receipt = 15"),
        ("jukinet.audit.v1.Receipt r", "repeated jukinet.audit.v1.Receipt r", "has no receipt"),
        ("uint64 seen", "int64 seen", "TryRequest has no seen_tree_size = 15"),
        ("uint64 seen", "optional uint64 seen", "TryRequest has no seen_tree_size = 15"),
    ],
)
def test_logged_method_without_receipt_is_found(
    tmp_path: Path, given: str, instead: str, finding: str
) -> None:
    assert given in LOGGED

    found = of_trial(tmp_path, LOGGED.replace(given, instead))

    assert len(found) == 1
    assert finding in found[0]


def test_reason_without_options_is_found(tmp_path: Path) -> None:
    head, _, tail = REASONS.partition(" [(jukinet.options.v1.reason)")
    text = head + ";" + tail[tail.index("}];") + 3 :]

    assert len(of_trial(tmp_path, text)) == 7
