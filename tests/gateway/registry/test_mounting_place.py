"""Places that cannot be, or are hardly meant: in a frame, at an enrolment, in a list."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fake_ports import ManualClock
from gateway.gateway_folder import WATI, Office
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from gateway.sample_site import WIB
from pressing_button import PressingButton, at
from siaga_gateway.config.area import AreaSettings
from siaga_gateway.domain.device_report import Flags, PositionSource
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.installation_area import Area, Doubt, doubt, in_degrees, learnt
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.registry.enrol import EnrolError, NewOwner, check_registration
from siaga_gateway.service.registry.mounting_place import place_device
from siaga_gateway.service.registry.registration_list import day_end_ms, position_of

LAMPUNG = (-54_292_000, 1_052_610_000)
AREA = Area(LAMPUNG, 200_000)
GNSS = int(PositionSource.GNSS) << 8


@pytest.fixture
def desk(tmp_path: Path) -> IngestHarness:
    return IngestHarness(tmp_path)


# In a frame


@pytest.mark.parametrize("place", [(0, 0), (9_999, -9_999), (-1, 1)])
def test_zero_is_no_place_and_displaces_none(desk: IngestHarness, place: tuple[int, int]) -> None:
    """It displaced a right fix, being newer and "more accurate"."""
    button = desk.button()
    desk.take(button.press(NOW_S, latitude=LAMPUNG[0], longitude=LAMPUNG[1], accuracy=8, fix_age=0, flags=GNSS))
    zero = {"latitude": place[0], "longitude": place[1], "accuracy": 1, "fix_age": 0, "flags": GNSS}
    desk.take(button.follow(Kind.UPDATE, NOW_S + 1, **zero))
    position = desk.only().position
    assert position is not None and (position.latitude, position.longitude) == LAMPUNG
    (entry,) = desk.journal(journal.POSITION_IMPOSSIBLE)
    assert (entry.facts["place"], entry.facts["counter"]) == ("zero", button.counter)
    status = desk.store.status(button.device_id)
    assert status is not None and status.position is not None and status.position.latitude == LAMPUNG[0]
    desk.close()


def test_a_press_from_nowhere_goes_and_is_marked(desk: IngestHarness) -> None:
    button = desk.button(installed=LAMPUNG)
    desk.take(button.press(NOW_S, latitude=900_000_001, longitude=0))
    position = desk.only().position
    assert position is not None and position.source == "installed"
    (entry,) = desk.journal(journal.POSITION_IMPOSSIBLE)
    assert entry.facts["place"] == "off_globe"
    desk.take(desk.button().press(NOW_S))  # none was sent: nothing is wrong
    assert len(desk.journal(journal.POSITION_IMPOSSIBLE)) == 1
    desk.close()


def test_places_beside_zero_are_places(desk: IngestHarness) -> None:
    """A boat off Ghana, a village on the equator, one on the meridian."""
    for latitude, longitude in ((10_000, 0), (0, 10_000), (0, 1_052_610_000), (515_000_000, 0)):
        button = desk.button()
        desk.take(button.press(NOW_S, latitude=latitude, longitude=longitude, accuracy=8, fix_age=0, flags=GNSS))
        position = desk.store.open_incidents()[-1].position
        assert position is not None and (position.latitude, position.longitude) == (latitude, longitude)
    assert not desk.journal(journal.POSITION_IMPOSSIBLE)
    desk.close()


def test_an_accuracy_of_nothing_is_none(desk: IngestHarness) -> None:
    """No receiver has it; it won against every other fix."""
    button = desk.button()
    desk.take(button.press(NOW_S, latitude=LAMPUNG[0], longitude=LAMPUNG[1], accuracy=0, fix_age=0, flags=GNSS))
    assert (position := desk.only().position) is not None and position.accuracy_m is None
    better = {"latitude": LAMPUNG[0] + 500, "longitude": LAMPUNG[1], "accuracy": 8, "fix_age": 0, "flags": GNSS}
    desk.take(button.follow(Kind.UPDATE, NOW_S, **better))
    assert (position := desk.only().position) is not None and position.accuracy_m == 8
    desk.close()


def test_a_fixed_button_that_is_elsewhere_is_told_once(desk: IngestHarness) -> None:
    button = desk.button(installed=LAMPUNG)
    here = {"latitude": LAMPUNG[0] + 3_000, "longitude": LAMPUNG[1], "accuracy": 20, "fix_age": 0, "flags": GNSS}
    desk.take(button.follow(Kind.CHECKIN, NOW_S, **here))
    assert not desk.journal(journal.AWAY_FROM_PLACE)
    away = {**here, "latitude": -LAMPUNG[0]}
    desk.take(button.follow(Kind.CHECKIN, NOW_S + 1, **away))
    desk.take(button.follow(Kind.CHECKIN, NOW_S + 2, **away))
    (entry,) = desk.journal(journal.AWAY_FROM_PLACE)
    assert (entry.facts["km"], entry.facts["counter"]) == (1207, button.counter - 1)
    coarse = {**away, "flags": int(PositionSource.NETWORK) << 8 | int(Flags.EXTERNAL_POWER)}
    other = desk.button(installed=LAMPUNG)
    desk.take(other.follow(Kind.CHECKIN, NOW_S, **coarse))  # a cell's place says nothing of metres
    assert len(desk.journal(journal.AWAY_FROM_PLACE)) == 1
    desk.close()


# At an enrolment


@pytest.mark.parametrize(
    ("place", "meant"),
    [
        ((54_292_000, 1_052_610_000), LAMPUNG),  # a lost minus sign
        ((1_052_610_000, -54_292_000), LAMPUNG),  # the wrong order
        ((1_052_610_000, 54_292_000), LAMPUNG),  # both
        ((-54_292_000, -1_052_610_000), LAMPUNG),
        ((-78_000_000, 1_103_700_000), None),  # Yogyakarta
    ],
)
def test_a_place_outside_the_area_is_doubted_and_what_was_meant_is_named(
    place: tuple[int, int], meant: tuple[int, int] | None
) -> None:
    found = doubt(place, AREA)
    assert found is not None and (found.why, found.meant) == ("far", meant)
    assert found.km > 200


def test_within_the_area_and_without_one_nothing_is_doubted_but_zero() -> None:
    assert doubt((-49_000_000, 1_046_000_000), AREA) is None
    assert doubt((515_000_000, 0), None) is None
    assert doubt((0, 0), None) == doubt((0, 0), AREA) == Doubt("zero", 0, None)


def test_an_area_is_learnt_and_one_wrong_place_does_not_move_it() -> None:
    places = [(LAMPUNG[0] + number * 100_000, LAMPUNG[1] - number * 150_000) for number in range(20)]
    area = learnt([*places, (54_292_000, 1_052_610_000)])
    assert area is not None and all(area.holds(place) for place in places)
    assert not area.holds((54_292_000, 1_052_610_000))
    one = learnt([LAMPUNG])
    assert one is not None and one.holds((-40_000_000, 1_040_000_000)) and not one.holds((54_292_000, 1_052_610_000))
    assert learnt([]) is None


@given(st.integers(-900_000_000, 900_000_000), st.integers(-1_800_000_000, 1_800_000_000))
def test_what_is_named_as_meant_can_be_typed_and_is_within(latitude: int, longitude: int) -> None:
    found = doubt((latitude, longitude), AREA)
    if found is not None and found.meant is not None:
        assert AREA.holds(found.meant)
        assert position_of(in_degrees(found.meant)) == found.meant
        assert doubt(found.meant, AREA) is None


def test_the_area_of_the_settings_wants_both() -> None:
    area = AreaSettings(latitude="-5.4292", longitude="105.261", radius_km=150).area()  # type: ignore[arg-type]
    assert area == Area(LAMPUNG, 150_000)
    assert AreaSettings().area() is None
    with pytest.raises(ValueError, match="belong together"):
        AreaSettings(latitude="-5.4")  # type: ignore[arg-type]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(made.data))
    made.does("owner", "add", *WATI, "--by", "Dewi")
    return made


def enrolling(button: PressingButton, place: str, *more: str) -> list[str]:
    frame = button.enrol().hex()
    return ["enrol", "--owner", "1", "--frame", frame, "--label", "Toko", "--by", "Dewi", f"--installed={place}", *more]


def test_a_registrar_is_asked_about_a_place_far_off(office: Office) -> None:
    office.does(*enrolling(PressingButton(), "-5.4292,105.2610", "--checkin", "3600"))
    lost = PressingButton()
    said = office.refuses(*enrolling(lost, "5.4292,105.2610", "--language", "en"))
    assert "1207 km" in said and "Did you mean -5.4292,105.261?" in said and "--yes" in said
    assert "0,0" in office.refuses(*enrolling(lost, "0,0", "--language", "en"))
    office.does(*enrolling(lost, "5.4292,105.2610", "--yes"))
    store = office.store()
    devices = [enrolled.device for enrolled, _ in store.devices()]
    assert [device.installed_latitude for device in devices] == [-54_292_000, 54_292_000]
    assert devices[0].checkin_s == 3600, "an option that was not heard"
    store.close()


def test_who_is_enrolled_already_is_not_measured_by_its_own_wrong_place(office: Office) -> None:
    """The first button came with a lost minus sign: the right place is not the one to doubt."""
    first = PressingButton()
    assert "in the water" in office.refuses(*enrolling(first, "5.4292,105.2610", "--language", "en"))
    office.does(*enrolling(first, "5.4292,105.2610", "--yes"))
    said = office.refuses(*enrolling(first, "-5.4292,105.2610", "--language", "en"))
    assert "enrolled already" in said and "Did you mean" not in said


def test_a_first_place_that_nothing_is_compared_with_is_told_of_and_put_right(office: Office) -> None:
    """The first button came with a lost minus sign, and nobody was told; then no command could correct it."""
    first, second = PressingButton(), PressingButton()
    said = office.run(*enrolling(first, "5.4292,105.2610", "--language", "en", "--yes")).stderr
    assert "compared with nothing" in said and "area.latitude" in said and "siaga gateway place" in said
    assert "siaga gateway place" in office.refuses(*enrolling(first, "-5.4292,105.2610", "--language", "en"))
    store = office.store()
    version, device_id = store.registry_version(), first.device_id.hex()
    right = ["place", device_id, "--by", "Dewi", "--language", "en", "--installed=-5.4292,105.2610"]
    told = office.run(*right, "--label", "Toko Contoh, kasir")
    assert told.exit_code == 0 and "compared with nothing" in told.stderr, "it is not measured by its own wrong place"
    assert list(store.devices_changed(version)) == [first.device_id], "a running gateway reads it anew"
    device = store.enrolled([first.device_id])[first.device_id].device
    assert (device.installed_latitude, device.installed_longitude) == LAMPUNG
    assert device.label == "Toko Contoh, kasir"
    entry = store.journal_last(1)[0]
    assert entry.kind == journal.PLACE_CHANGED
    assert entry.actor == "Dewi" and entry.device_id == first.device_id
    assert entry.facts == {"placed": True, "labelled": True, "addressed": False, "moved_m": 1_207_401}
    assert office.run(*enrolling(second, "-5.4292,105.2610", "--language", "en")).stderr == ""
    second_id = second.device_id.hex()
    far = ["place", second_id, "--by", "Dewi", "--language", "en", "--installed=5.4292,105.2610"]
    assert "Did you mean -5.4292,105.261?" in office.refuses(*far)
    assert office.run(*far, "--yes").exit_code == 0
    store.close()


def test_a_gateway_that_runs_has_the_new_place_from_the_next_frame_on(desk: IngestHarness) -> None:
    button = desk.button(installed=(-LAMPUNG[0], LAMPUNG[1]))
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    place_device(desk.store, ManualClock(), button.device_id, actor="Dewi", label="Gudang", installed=LAMPUNG)
    desk.take(button.press(NOW_S))
    incident = desk.only()
    assert incident.device_label == "Gudang" and incident.position is not None
    assert (incident.position.latitude, incident.position.source) == (LAMPUNG[0], "installed")
    desk.close()


def test_what_no_place_can_be_given_to(office: Office) -> None:
    button = PressingButton()
    office.does(*enrolling(button, "-5.4292,105.2610"))
    device_id = button.device_id.hex()
    en = ["--by", "Dewi", "--language", "en"]
    assert "not enrolled" in office.refuses("place", "0123456789abcdef", "--label", "Toko", *en)
    assert "not on the Earth" in office.refuses("place", device_id, "--installed=-95,105", *en)
    assert "label is empty" in office.refuses("place", device_id, "--label", " ", *en)
    assert office.run("place", device_id, *en).exit_code == 2
    office.does("place", device_id, "--label", "Gudang", "--address", "Jl. Contoh  7", *en)
    assert "Jl. Contoh 7" in office.does("owner", "export", "1", "--by", "Dewi")
    store = office.store()
    device = store.enrolled([button.device_id])[button.device_id].device
    assert (device.label, device.installed_latitude) == ("Gudang", LAMPUNG[0])
    with store.transaction() as transaction:
        transaction.erase_owner(1, NOW_MS)
    store.close()
    assert "erased" in office.refuses("place", device_id, "--label", "Toko", *en)


def test_the_area_of_the_settings_is_asked_first(office: Office) -> None:
    """As the guide sets it: the first button is compared."""
    settings = office.folder / "siaga.toml"
    assert "# [area]" in settings.read_text()
    area = "\n[area]\nlatitude = -4.9\nlongitude = 105.0\nradius_km = 200\n"
    settings.write_text(settings.read_text() + area)
    button = PressingButton()
    assert "Did you mean -5.4292,105.261?" in office.refuses(*enrolling(button, "5.4292,105.2610", "--language", "en"))
    assert office.run(*enrolling(button, "-5.4292,105.2610")).stderr == ""


def test_a_list_names_each_place_far_off(office: Office, tmp_path: Path) -> None:
    places = ["-5.43,105.26", "-5.38,105.25", "5.41,105.27", "-5.10,105.30", "0,0"]
    lines = ["frame;name;nik;phone;address;label;installed"]
    for number, place in enumerate(places):
        owner = f"Contoh {number};99000000000000{number + 10};+62000000000{number};Jl. Contoh"
        lines.append(f"{PressingButton().enrol().hex()};{owner};Toko {number};{place}")
    file = tmp_path / "buttons.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    said = office.refuses("enrol", "--file", str(file), "--by", "Dewi", "--language", "en")
    assert "line 4: 5.41,105.27 is" in said and "Did you mean -5.41,105.27?" in said and "line 6: 0,0" in said
    assert said.count("line ") == 2 and "nothing was enrolled" in said
    told = office.run("enrol", "--file", str(file), "--by", "Dewi", "--yes", "--language", "en")
    assert told.exit_code == 0 and "only with each other" in told.stderr and "area.latitude" in told.stderr


# Other numbers that cannot be


@pytest.mark.parametrize("text", ["inf,0", "nan,0", "-5.4", "1e999999999,0", "5,4,3", "", "lintang,bujur"])
def test_what_is_no_position_is_said(text: str) -> None:
    with pytest.raises(EnrolError):
        check_registration("Toko", None, position_of(text), NOW_MS)


def test_a_registration_lasts_as_long_as_somebody_can_mean(office: Office) -> None:
    check_registration("Toko", day_end_ms("2027-12-31", WIB), None, NOW_MS)
    for day in ("2207-12-31", "2020-01-01", "9999-12-31"):
        with pytest.raises(EnrolError):
            check_registration("Toko", day_end_ms(day, WIB), None, NOW_MS)


@pytest.mark.parametrize("nik", ["٩٩٠٠٠٠٠٠٠٠٠٠٠٠٠١", "0000000000000000", "990000000000000", "99000000000000011"])
def test_a_nik_is_sixteen_plain_digits(nik: str) -> None:
    with pytest.raises(EnrolError):
        NewOwner("Contoh", nik, "+620000000001", "Jl. Contoh")


@pytest.mark.parametrize("phone", ["+٦٢٨١٢٣٤٥٦٧٨٩", "+62812", "+6281234567890123", "081234567890"])
def test_a_phone_number_is_one_that_can_be_dialled(phone: str) -> None:
    with pytest.raises(EnrolError):
        NewOwner("Contoh", "9900000000000001", phone, "Jl. Contoh")


def test_at_is_within_the_area() -> None:
    """The tests' own place: what is found elsewhere is not about it."""
    place = at()
    assert AREA.holds((place["latitude"], place["longitude"]))
