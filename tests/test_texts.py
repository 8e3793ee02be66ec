"""What a person reads comes from the catalogue: a bare sentence, a key without its text and a value that no text names
are found in the source."""

from __future__ import annotations

import ast
import json
import os
import re
import ssl
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pytest

import siaga_gateway
import siaga_tools
from siaga_gateway.catalogue import texts
from siaga_gateway.catalogue.localized import Localized, as_fact, from_fact, remembered, retold
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.web.console.timeline import line
from test_catalogue import ROOMS, placeholders

PACKAGES = [Path(package.__path__[0]) for package in (siaga_gateway, siaga_tools)]
# By what a text is said: the beginning of the keys that stand there.
SAYERS = {"Localized": "", "tell": "commands.", "complain": "commands.", "say": "commands."}


@cache
def sources() -> dict[str, ast.Module]:
    """Every module, by its path. Read when a test asks: every worker of a run of all tests imports this file."""
    return {
        f"{root.name}/{file.relative_to(root)}": ast.parse(file.read_text(encoding="utf-8"))
        for root in PACKAGES
        for file in sorted(root.rglob("*.py"))
        if "/chip/" not in str(file)
    }


@cache
def errors() -> dict[str, str]:
    """Every class below SiagaError, with the beginning of its keys."""
    found = {"SiagaError": "errors."}
    grown = True
    while grown:
        grown = False
        for tree in sources().values():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and node.name not in found:
                    above = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id in found]
                    if above:
                        found[node.name] = _group(node) or found[above[0]]
                        grown = True
    return found


def _group(node: ast.ClassDef) -> str | None:
    """Where a class has its texts, if it says so."""
    for each in node.body:
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name) and each.targets[0].id == "GROUP":
            assert isinstance(each.value, ast.Constant)
            return f"{each.value.value}."
    return None


@cache
def other_errors() -> set[tuple[str, str]]:
    """Exceptions of ours that have another root and, in one module or another, the name of one of those."""
    return {
        (name.removesuffix(".py").replace("/", "."), node.name)
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Exception" for base in node.bases)
    }


# Their constructors take something else than a key, and give it themselves.
OWN = {"FrameError", "Overtaken", "CaseOvertaken"}
# Parameters that are no values of the text.
NO_VALUES = {"SignInRefused": {"wait_s", "operator", "busy"}}


def _said() -> Iterator[tuple[str, ast.Call, str, str]]:
    """Each place where a text is named by its key: (where, the call, the key's expression, its beginning)."""
    for name, tree in sources().items():
        module = name.removesuffix(".py").replace("/", ".")
        others = {other for where, other in other_errors() if where == module} | {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if (node.module, alias.name) in other_errors()
        }
        if name in ("siaga_gateway/domain/errors.py", "siaga_gateway/catalogue/localized.py"):
            continue
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            called = node.func.id
            if called in errors() and called not in OWN | others:
                yield f"{name}:{node.lineno}", node, called, errors()[called]
            elif called == "text" and any(
                key.startswith(tuple(f"{room}." for room in ROOMS)) for key in _keys(node.args[0]) or []
            ):
                yield f"{name}:{node.lineno}", node, called, ""
            elif called in SAYERS and (called != "say" or name.startswith("siaga_gateway/cli/")):
                yield f"{name}:{node.lineno}", node, called, SAYERS[called]


def _keys(expression: ast.expr) -> list[str] | None:
    """The keys that an expression may be; [] where only part of it is fixed, None for what is no key at all."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        return [expression.value]
    if isinstance(expression, ast.IfExp):
        first, second = _keys(expression.body), _keys(expression.orelse)
        return None if first is None or second is None else first + second
    if isinstance(expression, ast.JoinedStr):
        first = expression.values[0]
        return [] if isinstance(first, ast.Constant) and " " not in str(first.value) else None
    return [] if isinstance(expression, ast.Name | ast.Attribute | ast.Subscript) else None


def test_every_error_and_every_line_of_the_log_is_a_key_of_the_catalogue() -> None:
    bare = []
    for where, call, called, _ in _said():
        keys = _keys(call.args[0])
        wrong = keys is None or any(" " in key or "." not in key for key in keys if key not in ("lines", "passed_on"))
        if wrong and errors().get(called, "errors.") == "errors.":
            bare.append(f"{where}: {called}")
    assert bare == []


def test_every_way_to_say_something_is_seen() -> None:
    assert {called for _, _, called, _ in _said()} >= {*SAYERS, "text"}


def test_every_key_has_its_text_and_every_value_its_place() -> None:
    rooms = {room: texts(room, "en") for room in ROOMS}
    wrong = []
    for where, call, called, beginning in _said():
        for key in _keys(call.args[0]) or []:
            named = beginning + key
            room = rooms.get(named.partition(".")[0])
            if room is None or named not in room:
                wrong.append(f"{where}: no text {named}")
                continue
            given = {keyword.arg for keyword in call.keywords}
            if None not in given and given - NO_VALUES.get(called, {"sorry"}) != placeholders(room[named]):
                wrong.append(f"{where}: {named} is given {sorted(map(str, given))}, its text {room[named]!r}")
    assert wrong == []


def test_the_log_says_nothing_in_bare_words() -> None:
    bare = []
    for name, tree in sources().items():
        if not name.startswith("siaga_gateway"):
            continue
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("log", "logger", "logging")
                and node.func.attr in ("debug", "info", "warning", "error", "exception", "critical")
                and isinstance(node.args[0], ast.Constant | ast.JoinedStr | ast.BinOp)
            ):
                bare.append(f"{name}:{node.lineno}")
    assert bare == []


# What prints, asks or refuses at the command line, and what of it may be in bare words: settings and commands.
PRINTERS = {
    "echo",
    "secho",
    "prompt",
    "confirm",
    "fail",
    "UsageError",
    "ClickException",
    "BadParameter",
    "print",
    "_not_sent",
}
AS_THEY_ARE = {
    "host = ",
    "user = ",
    "password = ",
    "retained_status = ",
    "whsec_",
    "[mqtt]",
    '"\nport = ',
    "\ntls = true",
}
SENTENCE = re.compile(r"[A-Za-z]{2,}")


def test_no_command_prints_bare_words() -> None:
    bare = []
    for name, tree in sources().items():
        if "/silicon/" in name or "/simulate/" in name:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            words = [text for text in _bare(node.args) if not any(text.startswith(each) for each in AS_THEY_ARE)]
            if called in PRINTERS and words:
                bare.append(f"{name}:{node.lineno}: {words}")
            if called in ("option", "argument", "command", "group") and any(
                keyword.arg == "help" and isinstance(keyword.value, ast.Constant | ast.JoinedStr)
                for keyword in node.keywords
            ):
                bare.append(f"{name}:{node.lineno}: help")
    assert bare == []


def _bare(arguments: list[ast.expr]) -> Iterator[str]:
    """The literal parts of a text that is printed as it stands; those handed to another call are that call's."""
    ahead = list(arguments)
    while ahead:
        node = ahead.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SENTENCE.search(node.value):
            if node.value.strip() not in ("siaga:", "siaga"):
                yield node.value
        elif isinstance(node, ast.JoinedStr | ast.BinOp | ast.IfExp | ast.BoolOp):
            ahead += [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]


@pytest.mark.parametrize("language", ["id", "en"])
def test_an_error_is_told_in_the_reader_s_language_with_what_it_stands_on(language: str) -> None:
    from siaga_gateway.config.loading import SettingsError
    from siaga_gateway.service.operator_port import OperateError

    said = SettingsError("file.unread", path="a.toml", why=PermissionError(13, "Permission denied")).say(language)
    assert (
        said
        == {
            "id": "a.toml: tidak dapat dibaca: tidak ada izin",
            "en": "a.toml: cannot be read: permission denied",
        }[language]
    )
    assert ("belum ada unit" in OperateError("operate.no_unit", incident_id=5).say(language)) == (language == "id")


def test_what_the_journal_keeps_of_an_error_is_told_to_each_reader_in_his_language() -> None:
    lost = Localized("errors.sms.inbox_unread", folder="/in", why=PermissionError(13, "Permission denied"))
    facts = json.loads(json.dumps(remembered({"why": str(lost), "count": 3})))
    assert facts["why"] == "sms.inbox /in cannot be read: permission denied" and facts["count"] == 3
    entry = JournalEntry(1, 0, journal.BEARER_LOST, None, None, None, facts, None)
    assert line(entry, "id").extra == "sms.inbox /in tidak dapat dibaca: tidak ada izin · 3 pesan"
    assert line(entry, "en").extra.startswith("sms.inbox /in cannot be read: permission denied")
    assert set(retold(facts, "en")) == {"why", "count"}


def test_an_error_that_stands_in_another_s_words_is_told_in_the_reader_s_language_too() -> None:
    inner = StoreFailing("passed_on", why=Localized("errors.sqlite.FULL", code="SQLITE_FULL", seconds=5))
    said = Localized("log.ingest.store_failing", why=str(inner), frames=2).say("id")
    assert said.startswith("tidak ada yang dapat disimpan: disk penuh: kosongkan ruang (SQLITE_FULL). 2 bingkai")


# Words of the field, names and numbers: the same in both languages.
SAME = {
    *("console.rung.operator", "console.role.operator", "console.role.auditor", "console.role.administrator"),
    *(f"console.contact_way.{way}" for way in ("whatsapp", "telegram", "ntfy", "radio")),
    "console.condition.diabetes",
    *("commands.shared.warning", "commands.audit.broken", "commands.owner.nik", "errors.settings.aggregator"),
    *("errors.uplink.port", "console.step.unit", "console.maintenance.version", "console.maintenance.bearer_lte"),
    *(
        "console.maintenance.bearer_sms",
        "console.maintenance.bearer_lorawan",
        "console.signal_network.lorawan",
        "formats.sender_name",
        "formats.kind.sos",
    ),
    *("demo.part.broker", "demo.part.gateway", "demo.hop_top.broker", "demo.hop_top.gateway", "demo.hop_bottom.kept"),
    *("demo.hop_bottom.published", "demo.hop_bottom.webhook", "demo.hop_bottom.cap", "demo.log.complaint"),
    *("simulate.view.chip", "simulate.view.modem"),
    *(f"doctor.check.{word}" for word in ("broker", "disk", "gateway", "lorawan")),
}


def test_what_is_the_same_in_both_languages_is_a_name_or_a_word_of_the_field() -> None:
    same = {
        key
        for room in ROOMS
        for key, text in texts(room, "en").items()
        if texts(room, "id").get(key) == text and re.search(r"[A-Za-z]{3,}", re.sub(r"\{[^}]*\}", "", text))
    }
    assert {key for key in same if not key.startswith("simulate.usage.")} - SAME == set()


LIBRARY_ERRORS: dict[str, Callable[[], object]] = {
    "a file in TOML": lambda: tomllib.loads("a = "),
    "JSON": lambda: json.loads("{"),
    "a date": lambda: date.fromisoformat("soon"),
    "bytes that are no text": lambda: b"\xff".decode(),
    "OpenSSL": lambda: ssl.create_default_context().load_verify_locations(cadata="no certificate"),
    "a thing without words": lambda: (_ for _ in ()).throw(ValueError),
    "an errno without a text of ours": lambda: os.kill(2**22 + 1, 0),
}


@pytest.mark.parametrize("what", LIBRARY_ERRORS)
def test_a_library_s_words_are_quoted_to_whoever_reads_another_language(what: str) -> None:
    with pytest.raises(Exception) as raised:
        LIBRARY_ERRORS[what]()
    error = raised.value
    passed_on = Localized("errors.file.at", path="a", why=error)
    again = from_fact(json.loads(json.dumps(as_fact(passed_on))))
    quoted = re.compile(r'a: pesan asli: "[^"]*"', re.DOTALL)
    assert quoted.fullmatch(passed_on.say("id").replace("'", "").replace('""', "")), passed_on.say("id")
    assert again.say("id") == passed_on.say("id"), "as the journal keeps it"
    assert "pesan asli" not in passed_on.say("en") and len(passed_on.say("en")) > len("a: ")


def test_openssl_s_errors_are_not_taken_for_the_system_s() -> None:
    """Their number 1 is any failure of OpenSSL, the system's is EPERM."""
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    assert "certificate verify failed" in Localized("errors.passed_on", why=error).say("id")
