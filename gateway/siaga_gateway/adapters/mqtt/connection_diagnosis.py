"""Diagnoses a broker connection from the sequence of its ends and refusals."""

from __future__ import annotations

from collections import deque
from typing import Final

from paho.mqtt.reasoncodes import ReasonCode

from siaga_gateway.adapters.mqtt.connection_errors import (
    RETAINS_NOTHING,
    TAKEN_OVER,
    of_connecting,
    of_refusal,
    trouble,
)
from siaga_gateway.catalogue.localized import Localized, original
from siaga_gateway.config.mqtt import BrokerSettings

# A connection that another client takes over ends right after it is established, again and again, while the broker is
# available all the time and accepts the next one at once.
_TAKEN: Final = 3
_WITHIN_S: Final = 60.0
_SOON_S: Final = 20.0  # a connection that lasted longer was not taken over by a client that reconnects at once
_AT_ONCE_S: Final = 0.5  # a rival usually takes a second to reconnect; a broker that cuts us off needs none
SETTLED_S: Final = 30.0  # up for so long: the rival is gone


class ConnectionDiagnosis:
    """Times are monotonic seconds. For paho's thread; `trouble` and `refused_for` may be read by any."""

    def __init__(self, settings: BrokerSettings, section: str, client_id: str, retained: bool | None) -> None:
        """retained: whether the broker must store our status; None: if it can."""
        self._settings = settings
        self._section = section
        self._client_id = client_id
        self._wish = retained
        self.retains = retained is not False
        self.trouble: Localized | None = None  # the latest problem
        self.refused_for: Localized | None = None  # what waiting will not cure
        self.twin = False
        self.contested = False  # by a client that reconnects after a pause, as clients do
        self._greeted = False  # this connection has its CONNACK
        self._up_at: float | None = None
        self._taken: deque[tuple[float, float]] = deque(maxlen=_TAKEN)  # (when it ended, how long it lasted)
        self._had_session = False

    def failed(self, error: Exception | None) -> Localized:
        """A connection attempt failed."""
        self._taken.clear()
        self.trouble = (
            trouble("silent", self._section)
            if error is None
            else of_connecting(error, self._section, self._settings.host, self._settings.tls)
        )
        return self.trouble

    def refused(self, code: ReasonCode) -> Localized | None:
        """The CONNACK refused the connection. Returns None if we try again without what it refused."""
        self._greeted = True
        if code.value == RETAINS_NOTHING and self._does_without():
            return None
        self.refused_for = self.trouble = of_refusal(code, self._section, self._settings.user, self._client_id)
        return self.refused_for

    def no_subscription(self, topics: str) -> Localized:
        user = self._settings.user or ""
        self.refused_for = self.trouble = trouble("no_subscription", self._section, topics=topics, user=user)
        return self.refused_for

    def greeted(self, session: bool, kept: bool) -> bool:
        """The broker accepted the connection. Returns whether it lost our session.

        session: it has one of ours; kept: it should.
        """
        self._greeted = True
        self.refused_for = None
        return kept and self._had_session and not session

    def up(self, now: float) -> None:
        """The subscription was accepted."""
        self._up_at = now
        self._had_session = True
        self.trouble = self.refused_for = None

    def ended(self, code: ReasonCode, now: float) -> Localized:
        """The connection ended, at whatever stage."""
        greeted, up_at = self._greeted, self._up_at
        self._greeted, self._up_at = False, None
        if not greeted:
            self._does_without()
            self.trouble = trouble("closed", self._section)
            return self.trouble
        if up_at is not None:
            if now - up_at < _SOON_S:
                self._taken.append((now, now - up_at))
            elif now - up_at >= SETTLED_S:
                self.settled()
        often = len(self._taken) == _TAKEN and now - self._taken[0][0] <= _WITHIN_S
        if code.value == TAKEN_OVER or often:
            self.twin = True
            at_once = often and all(stood < _AT_ONCE_S for _, stood in self._taken)
            self.contested = self.contested or not at_once
            kind, user = "cut_off" if at_once else "twin", self._settings.user or ""
            self.trouble = trouble(kind, self._section, client_id=self._client_id, user=user)
        elif self.refused_for is not None:
            self.trouble = self.refused_for
        else:
            self.trouble = trouble("lost", self._section, detail=original(str(code)))
        return self.trouble

    def deaf(self, topic: str) -> Localized:
        """We ended the connection because it delivered nothing. topic: of our echo."""
        self._greeted, self._up_at = False, None
        self.trouble = trouble("deaf", self._section, topic=topic, user=self._settings.user or "")
        return self.trouble

    def discarded(self) -> None:
        """We discarded the session at the broker on purpose: its loss is no problem."""
        self._had_session = False

    def settled(self) -> None:
        """It has been up for SETTLED_S."""
        self._taken.clear()
        self.twin = self.contested = False

    def _does_without(self) -> bool:
        """Stop asking the broker to retain, if it says that it cannot, or disconnects at the login (Mosquitto 2.0 with
        retain_available false). Returns whether to try again."""
        if self._wish is not None or not self.retains:
            return False
        self.retains = False
        return True
