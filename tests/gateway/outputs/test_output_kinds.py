"""A kind of output is a settings class and an entry in the registry, and no other module knows one."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import siaga_gateway
from brokers import Mosquitto
from gateway.fake_ports import ManualClock
from gateway.outputs.alarm_receiver import AlarmReceiver
from gateway.outputs.broker_subscriber import Subscriber
from gateway.outputs.http_delivery import SECRET
from gateway.outputs.http_receiver import Receiver
from gateway.outputs.sample_incidents import SENT_MS, opened
from siaga_gateway.bootstrap.outputs import MAKERS, make_output
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.config.outputs import KINDS, Dc09Settings, output_fields
from siaga_gateway.config.settings import Settings
from siaga_gateway.formats import cap, cloudevent
from siaga_gateway.service.ports import Delivered
from waiting import RUNS_S, eventually

PACKAGE = Path(siaga_gateway.__file__).parent
SECRET_KEY = "0123456789ABCDEF"
MAY_KNOW = {PACKAGE / "config" / "outputs.py", PACKAGE / "bootstrap" / "outputs.py"}


def settings(folder: Path, outputs: str) -> Settings:
    file = folder / "siaga.toml"
    file.write_text(f'name = "siaga.test"\ndata_dir = "data"\nlanguage = "en"\n{outputs}', encoding="utf-8")
    return load(file, {})


def test_every_kind_has_a_maker_and_goes_by_the_name_that_its_class_says() -> None:
    assert set(MAKERS) == set(KINDS.values())
    assert {kind: (kind,) for kind in KINDS} == {
        kind: get_args(model.model_fields["kind"].annotation) for kind, model in KINDS.items()
    }


def test_no_other_module_knows_a_kind() -> None:
    classes = {model.__name__ for model in KINDS.values()}
    names = set(KINDS) - {"webhook", "mqtt"}  # text messages come by a webhook too, presses by MQTT
    for file in sorted(set(PACKAGE.rglob("*.py")) - MAY_KNOW):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            known = (isinstance(node, ast.Constant) and node.value in names) or (
                isinstance(node, ast.alias | ast.Name)
                and (getattr(node, "name", "") or getattr(node, "id", "")) in classes
            )
            assert not known, f"{file.relative_to(PACKAGE)}:{node.lineno} knows a kind of output"


def test_each_kind_is_made_from_its_settings_and_delivers(tmp_path: Path) -> None:
    (tmp_path / "cap").mkdir()
    broker = Mosquitto(tmp_path / "broker", stores=False)
    with (
        broker,
        Subscriber(broker.port) as subscriber,
        Receiver() as receiver,
        AlarmReceiver(ManualClock(SENT_MS), SECRET_KEY.encode()) as centre,
    ):
        http = f'url = "{receiver.url}"\ntests = true\nat_once = 3\n'
        text = f'[[outputs]]\nname = "a"\nkind = "webhook"\nsecret = "{SECRET}"\ntoken = "t-1"\n{http}'
        text += f'[[outputs]]\nname = "b"\nkind = "cap_http"\nsender = "siaga.example"\n{http}'
        text += '[[outputs]]\nname = "c"\nkind = "cap_folder"\nfolder = "cap"\nsender = "siaga.example"\n'
        text += f'[[outputs]]\nname = "d"\nkind = "dc09"\nhost = "127.0.0.1"\nport = {centre.port}\n'
        text += f'account = "12ab"\nreceiver = "1f"\nline = "a"\nencryption_key = "{SECRET_KEY}"\n'
        text += (
            f'[[outputs]]\nname = "e"\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\nsecurity = "plain"\n'
        )
        whole = settings(tmp_path, text)
        outputs = [make_output(one, whole, ManualClock(SENT_MS)) for one in whole.outputs]
        assert {one.kind for one in whole.outputs} == set(KINDS)
        assert [(one.name, one.receives_tests, one.at_once) for one in outputs] == [
            ("a", True, 3),
            ("b", True, 3),
            ("c", False, 1),
            ("d", False, 1),
            ("e", False, 8),
        ]
        for output in outputs:
            assert isinstance(output.deliver(opened(), "k"), Delivered)
            output.close()
        event, document = receiver.requests
        eventually(lambda: len(subscriber.came) == 2, "event and state")
    assert {each.topic.rpartition("/")[0] for each in subscriber.came} == {
        "siaga/out/siaga.test/events",
        "siaga/out/siaga.test/incidents",
    }
    assert (event.body, event.headers["content-type"]) == (cloudevent.event(opened(), "k"), cloudevent.CONTENT_TYPE)
    assert event.headers["authorization"] == "Bearer t-1" and "webhook-signature" in event.headers
    message = cap.document(opened(), sender="siaga.example", local=whole.local)
    assert (document.body, document.headers["content-type"]) == (message, cap.CONTENT_TYPE)
    assert [file.read_bytes() for file in (tmp_path / "cap").iterdir()] == [message]
    assert centre.faults == [] and [(each.token, each.account) for each in centre.events] == [("SIA-DCS", "12AB")]


DC09 = 'name = "centre"\nkind = "dc09"\nhost = "127.0.0.1"\nport = 5000\naccount = "1234"\n'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('kind = "mqtt"\nhost = "192.0.2.7"\nsecurity = "plain"', "'192.0.2.7' is another machine: leave security at"),
        ('kind = "mqtt"\nsupervision_s = 1', "supervision_s must be 0"),
        ('host = "192.0.2.7"', "host '192.0.2.7' is another machine: set encryption_key"),
        ('encryption_key = "0123456789ABCDE"', "encryption_key must be 16, 24 or 32 ASCII characters"),
        (f'encryption_key = "{"0" * 16}"\nkey_format = "hex"', "32, 48 or 64 hexadecimal digits"),
        (f'encryption_key = "{"é" * 16}"', "encryption_key must be"),
        ('account = "12"', "account = '12'"),
        ('account = "XYZ"', "account = 'XYZ'"),
        ('receiver = "R1"', "receiver = 'R1'"),
        ("supervision_s = 5", "supervision_s must be 0 (none) or at least 10"),
        ('protocol = "CID"', "protocol = 'CID'"),
    ],
)
def test_a_wrong_line_to_an_alarm_receiving_centre_is_refused_and_no_key_shown(
    line: str, says: str, tmp_path: Path
) -> None:
    given = {each.split()[0] for each in line.splitlines()}
    kept = "".join(each + "\n" for each in DC09.splitlines() if each.split()[0] not in given)
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, f"[[outputs]]\n{kept}{line}\n")
    assert says in str(refused.value)
    assert "0123456789" not in str(refused.value) and "000000" not in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('encryption_key = "0123456789ABCDEF0123456789ABCDEF"', b"0123456789ABCDEF" * 2),
        (
            'encryption_key = "0123456789abcdef0123456789ABCDEF"\nkey_format = "hex"',
            bytes.fromhex("0123456789abcdef" * 2),
        ),
        ('host = "centre.example"\nplaintext = true', None),
    ],
)
def test_a_key_is_characters_or_the_bytes_that_hexadecimal_digits_stand_for(
    lines: str, key: bytes | None, tmp_path: Path
) -> None:
    text = DC09 if "host" not in lines else DC09.replace('host = "127.0.0.1"\n', "")
    (output,) = settings(tmp_path, f"[[outputs]]\n{text}{lines}\n").outputs
    assert isinstance(output, Dc09Settings) and output.key_bytes == key
    assert output.has_extended_data and "0123456789" not in repr(output)


def test_a_key_of_another_kind_keeps_no_gateway_from_its_start_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cap").mkdir()
    line = 'kind = "cap_folder"\nfolder = "cap"\nurl = "https://cad.example"\ntoken = "hidden-9"\n'
    whole = settings(tmp_path, f'[[outputs]]\nname = "share"\n{line}')
    assert whole.outputs[0].tls is None
    make_output(whole.outputs[0], whole, ManualClock(SENT_MS))
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == "output 'share': kind cap_folder does not use url, token; leave it out"
    assert "hidden-9" not in repr(whole) + said


def test_a_setting_must_be_set_where_every_kind_must_have_it() -> None:
    assert {name for name, field in output_fields().items() if field.is_required()} == {"name", "kind"}


# What a new kind is: a format, an adapter, a settings class and its entry in the union, an entry among the makers.
FORMAT = """
def line(notice, key):
    return f"{key} {notice.incident.identifier}\\n".encode()
"""
ADAPTER = """
from siaga_gateway.service.ports import Delivered

class LineOutput:
    def __init__(self, name, file, encode):
        self.name, self.receives_tests, self.at_once = name, False, 1
        self._file, self._encode = file, encode

    def deliver(self, notice, key):
        self._file.write_bytes(self._encode(notice, key))
        return Delivered("written")

    def close(self):
        pass
"""
CLASS = """
class LineSettings(OutputSection):
    kind: Literal["line"]
    file: Path

    def under(self, base: Path) -> Self:
        return self.model_copy(update={"file": base / self.file})


# Every kind, once.
"""
MAKER = """
from siaga_gateway.adapters.outputs.line import LineOutput
from siaga_gateway.config.outputs import LineSettings
from siaga_gateway.formats import line

# Every kind, once."""
TRIAL = """
import sys
from pathlib import Path
import siaga_gateway
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.bootstrap.certificate_inventory import places
from siaga_gateway.bootstrap.outputs import make_output, make_troubles
from siaga_gateway.bootstrap.worker_identity import WorkerIdentity
from siaga_gateway.catalogue.localized import in_words
from siaga_gateway.config.reference import reference
from siaga_gateway.config.loading import SettingsError, load
from gateway.outputs.sample_incidents import opened

folder = Path(sys.argv[1])
assert Path(siaga_gateway.__file__).is_relative_to(folder), siaga_gateway.__file__
file = folder / "siaga.toml"

def read(output):
    file.write_text('name = "siaga.test"\\ndata_dir = "data"\\n[[outputs]]\\nname = "new"\\n' + output)
    return load(file, {})

def refused(output):
    try:
        read(output)
    except SettingsError as error:
        return str(in_words(error, "en"))

settings = read('kind = "line"\\nfile = "out.txt"\\n')
output = make_output(settings.outputs[0], settings, WallClock())
output.deliver(opened(), "k")
assert (folder / "out.txt").read_bytes() == b"k siaga.lampung-17.k7q2\\n"
assert list(places(settings)) == []
make_troubles(settings, [output], WallClock(), WorkerIdentity()).stop()
assert "outputs[].file" in [name for name, _, _ in reference()]
assert "'cap_folder', 'line'" in refused('kind = "fax"\\n')
assert "outputs.0.file: is missing; The file of lines." in refused('kind = "line"\\n')
assert "outputs.0.foo: there is no such setting" in refused('kind = "line"\\nfile = "f"\\nfoo = 1\\n')
assert "no message for trouble" in refused('kind = "line"\\nfile = "f"\\ntrouble = true\\n')
print("all of it")
"""


def test_a_new_kind_is_a_format_an_adapter_a_settings_class_and_an_entry(tmp_path: Path) -> None:
    """Put into a copy, with the description of its setting: the copy's gateway has it as it has the others."""
    copy = tmp_path / "siaga_gateway"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("static", "__pycache__", "node_modules"))
    (copy / "formats" / "line.py").write_text(FORMAT, encoding="utf-8")
    (copy / "adapters" / "outputs" / "line.py").write_text(ADAPTER, encoding="utf-8")
    patch(
        copy / "config" / "outputs.py",
        ("# Every kind, once.\n", CLASS.lstrip()),
        ('Tag("cap_folder")]\n', 'Tag("cap_folder")]\n    | Annotated[LineSettings, Tag("line")]\n'),
    )
    patch(
        copy / "bootstrap" / "outputs.py",
        ("# Every kind, once.", MAKER.lstrip()),
        (
            "    CapFolderSettings: _cap_folder,\n",
            "    CapFolderSettings: _cap_folder,\n"
            "    LineSettings: lambda output, _near: LineOutput(output.name, output.file, line.line),\n",
        ),
    )
    for language in ("en", "id"):
        section = '["outputs[]"]\n'
        patch(copy / "catalogue" / f"settings.{language}.toml", (section, f'{section}file = "The file of lines."\n'))
    trial = subprocess.run(
        [sys.executable, "-c", TRIAL, str(tmp_path)],
        env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}", "SIAGA_LANGUAGE": "en", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        check=False,
    )
    assert trial.stdout.strip() == "all of it", trial.stderr


def patch(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, (file, old)
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
