"""An output to a broker: topics for whoever subscribes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from siaga_gateway.adapters.outputs.common import checked_deadline, no_document
from siaga_gateway.adapters.outputs.deadline_call import DeadlineCall
from siaga_gateway.adapters.outputs.mqtt_session import Login, PublishingSession, SessionLost
from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import in_words
from siaga_gateway.domain.gateway_trouble import Trouble
from siaga_gateway.domain.incident import Notice
from siaga_gateway.domain.limits import DELIVERY_DEADLINE_S
from siaga_gateway.formats import mqtt_topics
from siaga_gateway.formats.mqtt_topics import Message, Topics
from siaga_gateway.formats.text_rules import one_line
from siaga_gateway.service.ports import Delivered, NotDelivered

_REFUSED: Final = 0x80
_NOBODY: Final = 0x10  # no matching subscribers


class MqttOutput:
    """Delivered when the broker has acknowledged every message of a notice (PUBACK of QoS 1).

    One connection, kept while it stands. A message that is not acknowledged in time ends it, so that nothing old is
    sent behind something newer. Thread-safe.
    """

    def __init__(
        self,
        name: str,
        login: Login,
        topics: Topics,
        receives_tests: bool = False,
        *,
        supervision_s: float | None = None,
        language: str = "id",
        at_once: int = 8,
        deadline_s: float = DELIVERY_DEADLINE_S,
    ) -> None:
        """supervision_s: how often the status is published; None: there is none. Raises: SettingsError."""
        self.name = name
        self.receives_tests = receives_tests
        self.at_once = at_once
        self._login = login
        self._topics = topics
        self._where = f"{login.settings.host}:{login.settings.port}"
        self._supervision_s = supervision_s
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self._connecting = DeadlineCall(f"connection of {name}")
        self._lock = threading.Lock()
        self._session: PublishingSession | None = None
        self._supervised = False
        self._heard_at: float | None = None  # monotonic
        PublishingSession(login, None)  # a wrong file of authorities is a wrong setting

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        return self._send(lambda: mqtt_topics.messages(notice, key, self._topics))

    def tell(self, trouble: Trouble, key: str) -> Delivered | NotDelivered:
        """Implements service.ports.TroubleOutput."""
        return self._send(lambda: mqtt_topics.trouble(trouble, key, self._topics))

    def supervision_due_s(self) -> float | None:
        """Implements service.ports.SupervisedOutput."""
        if self._supervision_s is None:
            return None
        heard_at, session = self._heard_at, self._session
        if heard_at is None or not self._supervised or session is None or session.gone:
            return 0.0  # a connection that is lost is looked after at once
        return max(0.0, heard_at + self._supervision_s - time.monotonic())

    def supervise(self) -> Delivered | NotDelivered:
        """Implements service.ports.SupervisedOutput: says that the gateway is online, and leaves a will that it is
        not."""
        if not self._supervised:
            self._supervised = True
            self._drop(self._session)  # it was opened without the will
        return self._send(lambda: [Message(self._topics.status, mqtt_topics.ONLINE, "text/plain", retained=True)])

    def close(self) -> None:
        """End the connection."""
        self._drop(self._session)

    def _send(self, write: Callable[[], Sequence[Message]]) -> Delivered | NotDelivered:
        until = time.monotonic() + self._deadline_s
        try:
            messages = write()
        except Exception as error:
            return no_document(error, self._language)
        session = None
        try:
            session = self._standing(until)
            if not session.retains and any(message.retained for message in messages):
                return self._failed("mqtt_retains_nothing")
            details = set()
            for message in messages:
                code = session.publish(message, until)
                if code.value >= _REFUSED:
                    return self._failed("mqtt_refused", topic=message.topic, why=str(code))
                if code.value == _NOBODY and not message.retained:
                    details.add(self._say("mqtt_nobody"))
        except TimeoutError:
            self._drop(session)
            return self._failed("mqtt_silent", seconds=f"{self._deadline_s:g}")
        except SessionLost as lost:
            self._drop(session)
            return self._failed("mqtt_lost", why=in_words(lost, self._language))
        except Exception as error:
            self._drop(session)
            return NotDelivered(text("formats.delivery.unexpected", self._language, why=type(error).__name__))
        self._heard_at = time.monotonic()
        return Delivered(". ".join((self._say("mqtt_taken"), *details)))

    def _standing(self, until: float) -> PublishingSession:
        """Return the session, a new one if there is none. Raises: SessionLost, TimeoutError."""
        if not self._lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TimeoutError
        try:
            if self._session is None or self._session.gone:
                self._session = None
                will = Message(self._topics.status, mqtt_topics.OFFLINE, "text/plain", retained=True)
                opening = PublishingSession(self._login, will if self._supervised else None)
                try:
                    self._connecting.call(lambda: opening.open(until), until)
                except BaseException:
                    opening.abandon()
                    raise
                self._session = opening
            return self._session
        finally:
            self._lock.release()

    def _drop(self, session: PublishingSession | None) -> None:
        if session is None:
            return
        with self._lock:
            if self._session is session:
                self._session = None
        session.close()

    def _failed(self, name: str, **values: object) -> NotDelivered:
        return NotDelivered(self._say(name, **values))

    def _say(self, name: str, **values: object) -> str:
        return one_line(text(f"formats.delivery.{name}", self._language, where=self._where, **values))
