"""What `juki-center dev` writes for the windows of two municipalities, and prints for hands."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from juki_center.cli import dev_texts
from juki_center.cli.dev_folder import DevFolder
from juki_center.storage.samples import read_samples
from juki_client.identity import ClientIdentity
from juki_terminal.config import TerminalConfig

ADDRESS = "127.0.0.1:7443"
SAMPLES = {sample.key: sample for sample in read_samples()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DevFolder:
    """A development folder with its texts, before there are cards."""
    made = DevFolder(tmp_path_factory.mktemp("dev"))
    made.prepare(datetime.now(UTC))
    made.write_texts((), ADDRESS, {})
    return made


@pytest.mark.parametrize("window", dev_texts.WINDOWS, ids=lambda window: window.file)
def test_window_of_a_development_center_is_configured(
    folder: DevFolder, window: dev_texts.Window
) -> None:
    config = TerminalConfig.load(folder.window_config(window))

    municipality = window.terminal.partition("-")[0]
    own = ClientIdentity.load(config.certificate, config.key)
    assert own.chain_pem == folder.pki.terminal(municipality, "01").chain_pem
    assert config.center_address == ADDRESS
    assert (config.trust_dir / "center-leaves.pem").exists()
    assert config.journal.parent.is_dir()


def test_windows_share_neither_a_journal_nor_a_reader(folder: DevFolder) -> None:
    configs = [TerminalConfig.load(folder.window_config(one)) for one in dev_texts.WINDOWS]

    assert len({config.journal for config in configs}) == len(configs)
    assert len({config.reader for config in configs}) == len(configs)


def test_card_in_each_windows_reader_is_of_a_resident_of_the_other_municipality(
    folder: DevFolder,
) -> None:
    here, there = dev_texts.WINDOWS

    for window, other in ((here, there), (there, here)):
        reader = TerminalConfig.load(folder.window_config(window)).reader
        assert reader == f"virtual:{folder.card(window.resident)}"
        assert other.terminal.startswith(f"{SAMPLES[window.resident].municipality}-")


def test_printed_line_moves_somebody_out_of_tokorozawa(folder: DevFolder) -> None:
    line = dev_texts.paste_lines(folder.path, ADDRESS)[-1]

    command = shlex.split(line)
    config = TerminalConfig.load(Path(command[command.index("--config") + 1]))
    assert command[3:5] == ["move", "out"]
    assert config.certificate.parent.name == "112089-01"


def test_no_printed_line_has_a_residents_code(folder: DevFolder) -> None:
    printed = "\n".join(dev_texts.paste_lines(folder.path, ADDRESS))

    assert not any(sample.record.code.digits in printed for sample in SAMPLES.values())
