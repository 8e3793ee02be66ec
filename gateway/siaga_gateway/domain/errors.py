"""What Siaga refuses or cannot do, told to people in their language. Whatever is none of these is a bug, and looks
like one: a traceback at the command line and in the log.

SiagaError            what is wrong and how to mend it
  Refused             what somebody asked for, as things stand: ask for something else (the web answers 409)
  Failing             for now, not for good: try again (the web answers 503)
  Unusable            until a person mends it: a command gives up, the gateway does not start
  Malformed           bytes that are not what they should be: passed over, counted
  SettingError        one setting, while pydantic checks the settings
  AuditBroken         the journal or the events are not what was written
  Trouble, BundleError
                      what the tools cannot do

Below the branches:

Refused               OperateError, EnrolError, CommandError, MaintenanceError, RetentionError, StoreConflict,
                      HiddenMark, PageRefused and SignInRefused (the console), PostRefused (texts from a provider),
                      DeliveryError, DrillError, UnknownOutput, UnknownWay, UnknownStation, PlaceListError, AreaError,
                      PeriodError, ResponderError, ResponderRefused, OwnerCaseError, NoButton,
                      CodeWordError, PreviewRefused, AccountError, ProtocolError, ShiftError, TokenError, BearerRefused,
                      ListError, UploadRefused
Failing               StoreFailing, BrokerUnreachable, ExchangeFailed, NoFigures, PasswordsUnusable, StopLate,
                      SessionLost, EscalationChanged, ReportSlow, ListsBusy, ModemFault, ModemRefused, NotPolled
Unusable              SettingsError, StartError, StoreUnusable, PersonalKeyError, VendorMissing, StreetFileUnusable
Malformed             FrameError, NotAFrame, NotAnUplink, NotPosted, KeyFormatError, Unreadable, HoursError, ShapeError,
                      GeojsonError, SheetError, NotDc09, AddressUnusable, OwntracksError, OsrmError,
                      TilesMalformed, EvidenceError

tests/test_error_tree.py compares this with the classes, and finds an exception of ours that has another root.
"""

from __future__ import annotations

from typing import Any, ClassVar

from siaga_gateway.catalogue.localized import Localized, Words


class SiagaError(Exception):
    """An error for people: a key in the catalogue, and values.

    key: in the catalogue's `errors`, `<group>.<name>`. values: what the text names. `say` gives the text in the
    reader's language; `str` in English, for the log's JSON and the journal.
    """

    GROUP: ClassVar[str] = "errors"

    def __init__(self, key: str, /, **values: Any) -> None:
        super().__init__(key, values)
        self.message = Localized(f"{self.GROUP}.{key}", **values)
        self._key = key

    @property
    def key(self) -> str:
        return self._key

    @property
    def values(self) -> dict[str, Any]:
        return self.message.values

    def say(self, language: str) -> str:
        return self.message.say(language).removeprefix(f"{self.GROUP}.")

    def __str__(self) -> str:
        return Words.of(self.message, self.say("en"))

    def __reduce__(self) -> tuple[Any, ...]:
        # Not through __init__: subclasses have other signatures.
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[SiagaError], args: tuple[Any, ...], facts: dict[str, Any]) -> SiagaError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


class Refused(SiagaError):
    """The request cannot be done as things stand; nothing was changed."""


class Failing(SiagaError):
    """It cannot be done now; it may work later."""


class Unusable(SiagaError):
    """Settings, files, the store: a person has to fix something first."""


class Malformed(SiagaError):
    """Bytes, or a text, that are malformed."""


class SettingError(SiagaError, ValueError):
    """One setting, or one value of a setting, fails its check."""
