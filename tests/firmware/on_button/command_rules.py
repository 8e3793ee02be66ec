"""Commands on the flash: what is done once, what is deferred, refused and answered again, and that a restart at any
moment changes none of it. MicroPython with the real littlefs on a simulated chip whose power can go."""

import asyncio

import vfs
from nor import BLOCK, Chip, PowerCut
from wishes import Actions

from siaga.app import changed_settings, commands, flash_records
from siaga.core import frame
from siaga.drivers.clock import Clock, Rtc

BLOCKS = 24
FOLDER = "/room"
DEVICE = b"12345678"
SETTINGS = b'{"mqtt_tls": false, "hold_ms": 2000}'


def down(counter, code, arguments=b""):
    head = bytes([0x13, 0x82]) + DEVICE + counter.to_bytes(4, "big") + bytes(4)
    return frame.Down(head + bytes([code, len(arguments)]) + arguments + bytes(16))


class Button:
    """What outlives a start is on the flash, or in `world`."""

    def __init__(self, world):
        self.world = world
        self.idle = True
        self.heard = True
        self.pressed = False
        self.place = None
        self.restarted = False
        self.told = []
        self.kept = []
        actions = Actions(
            lambda: self.idle,
            lambda: self.pressed,
            lambda: True,
            lambda: self.heard,
            self.test,
            self.check_in,
            lambda: self.place,
            self.receipt,
            lambda counter: self.world["receipts"].get(counter),
            self.restart,
            self.told.append,
            self.told.append,
            lambda: "",
        )
        self.commands = commands.Commands(FOLDER, DEVICE, actions, Clock(Rtc()))

    def test(self):
        self.world["tests"] += 1
        return True

    def check_in(self):
        self.world["checkins"] += 1
        return True

    def receipt(self, body):
        """Durable in one step, as an outbox entry is."""
        counter, result = int.from_bytes(body[:4], "big"), body[4]
        flash_records.write_file(f"{FOLDER}/receipt{counter}", bytes([result]))
        self.world["receipts"][counter] = result
        self.world["sent"].append((counter, result))

    def restart(self):
        self.restarted = True

    async def live(self, until):
        running = [asyncio.create_task(task()) for task in (self.commands.run, self.commands.locate)]
        for _ in range(400):
            if self.restarted or until(self):
                break
            for task in running:
                if task.done():
                    await task
            await asyncio.sleep_ms(5)
        else:
            raise AssertionError(f"no end; told {self.told}")
        for task in running:
            task.cancel()
        await asyncio.sleep_ms(0)


def run(button, until=lambda button: not button.commands.is_busy):
    asyncio.new_event_loop()
    asyncio.run(button.live(until))


def new_world():
    return {"tests": 0, "checkins": 0, "receipts": {}, "sent": []}


def fresh():
    for item in list(os_list()):
        flash_records.remove(FOLDER + "/" + item)
    flash_records.write_file(FOLDER + "/settings.json", SETTINGS)
    return new_world()


def os_list():
    import os

    return [item[0] for item in os.ilistdir(FOLDER)]


def each_is_carried_out_once_and_answered_again():
    world = fresh()
    button = Button(world)
    button.commands.on_command(down(5, frame.TEST))
    run(button)
    assert world["tests"] == 1 and world["sent"] == [(5, 0)]
    for counter in (5, 4, 1):
        button.commands.on_command(down(counter, frame.TEST))
    assert world["sent"] == [(5, 0)], "its answer is still on its way"
    world["receipts"].clear()  # acknowledged, and lost behind the broker
    again = Button(world)
    again.commands.on_command(down(4, frame.TEST))
    again.commands.on_command(down(5, frame.TEST))
    assert world["tests"] == 1 and world["sent"] == [(5, 0), (5, 0)]


def what_is_wrong_is_refused_by_name():
    world = fresh()
    button = Button(world)
    for number, (code, arguments, why) in enumerate(
        (
            (0, b"", "not known"),
            (99, b"", "not known"),
            (frame.TEST, b"x", "takes none"),
            (frame.LOCATE, b"x", "takes none"),
            (frame.SETTINGS, b"", "one JSON object"),
            (frame.SETTINGS, b"\xff", "one JSON object"),
            (frame.SETTINGS, b"{}", "at least one"),
            (frame.SETTINGS, b'{"hold_ms": 5000}', "cancel_hold_ms"),
            (frame.SETTINGS, b'{"hold_ms": "2000"}', "hold_ms"),
            (frame.SETTINGS, b'{"gateway_key": ""}', "by cable"),
            (frame.SETTINGS, b'{"release_key": ""}', "by cable"),
            (frame.UPGRADE, b"", "begins with"),
            (frame.UPGRADE, b"ftp://x/y", "begins with"),
            (frame.UPGRADE, b'http://x/"', "cannot hold"),
            (frame.UPGRADE, b"\xff", ""),
        )
    ):
        button.commands.on_command(down(number + 1, code, arguments))
        assert world["sent"] and world["sent"][-1] == (number + 1, frame.RESULT_REFUSED), (
            code,
            arguments,
            world,
            button.told,
        )
        assert why in button.told[-1], (why, button.told[-1])
    assert not button.commands.is_busy and flash_records.read_file(FOLDER + "/settings.json") == SETTINGS
    for damage in (b"\xff", b"{", b"[]", SETTINGS[:-1], SETTINGS[:8] + b"\x80" + SETTINGS[9:]):
        flash_records.write_file(FOLDER + "/settings.json", damage)
        number += 1
        button.commands.on_command(down(number + 1, frame.SETTINGS, b'{"hold_ms": 900}'))
        assert world["sent"][-1] == (number + 1, frame.RESULT_REFUSED), (damage, button.told[-1])


def what_may_not_happen_in_an_incident_waits_and_a_locate_does_not():
    world = fresh()
    button = Button(world)
    button.idle = False
    button.commands.locate_ms = 50
    button.commands.on_command(down(1, frame.RESTART))
    button.commands.on_command(down(2, frame.TEST))
    button.commands.on_command(down(3, frame.LOCATE))
    run(button, lambda button: 3 in world["receipts"])
    assert world["sent"] == [(2, frame.RESULT_REFUSED), (3, frame.RESULT_FAILED)] and world["checkins"] == 1
    assert not button.restarted and world["tests"] == 0 and "under way" in button.told[0]
    button.idle = True
    run(button)
    assert button.restarted
    run(Button(world))
    assert world["receipts"][1] == frame.RESULT_DONE


def a_locate_is_done_with_a_newer_fix():
    world = fresh()
    button = Button(world)
    button.place = (1, 2, 3, 4, 7)
    button.commands.on_command(down(1, frame.LOCATE))

    def look(button):
        if button.commands.is_locating:
            button.place = (1, 2, 3, 4, 8)
        return not button.commands.is_busy

    run(button, look)
    assert world["sent"] == [(1, frame.RESULT_DONE)] and world["checkins"] == 1 and not button.commands.is_locating


def changed_settings_are_kept_once_the_gateway_is_heard_with_them():
    world = fresh()
    button = Button(world)
    button.commands.on_command(down(1, frame.SETTINGS, b'{"hold_ms": 900}'))
    run(button)
    assert button.restarted and changed_settings.are_on_trial(FOLDER) and not world["sent"]
    run(Button(world))
    assert world["sent"] == [(1, frame.RESULT_DONE)] and not changed_settings.are_on_trial(FOLDER)
    assert b"900" in flash_records.read_file(FOLDER + "/settings.json")


def they_go_where_the_gateway_is_not_heard():
    world = fresh()
    button = Button(world)
    button.commands.on_command(down(1, frame.SETTINGS, b'{"mqtt_port": 1}'))
    run(button)
    for _ in range(3):
        button = Button(world)
        button.heard = False
        button.commands.proof_ms = 20
        run(button)
    assert world["sent"] == [(1, frame.RESULT_FAILED)]
    assert flash_records.read_file(FOLDER + "/settings.json") == SETTINGS and not changed_settings.are_on_trial(FOLDER)


def live(world, heard):
    """From here to the end of what is under way, through as many starts as it takes."""
    for _ in range(6):
        button = Button(world)
        button.heard = heard
        button.commands.proof_ms = 0
        if not button.commands.is_busy:
            return
        run(button)
        if not button.restarted:
            return
    raise AssertionError("no end")


def enumerate_cuts(code, arguments, heard, check):
    """The power goes at operation 0, 1, 2, ... of a command's life, from its arrival to its answer."""
    fresh()
    vfs.umount(FOLDER)
    cells = CHIP.cells
    cut = 0
    while True:
        world = new_world()
        chip = Chip(cells)
        vfs.mount(vfs.VfsLfs2(chip, mtime=False), FOLDER)
        chip.left, chip.insists = cut, True
        whole = False
        try:
            Button(world).commands.on_command(down(1, code, arguments))
            live(world, heard)
            whole = True
        except PowerCut:
            pass
        chip.insists = False
        vfs.umount(FOLDER)
        vfs.mount(vfs.VfsLfs2(Chip(chip.cells), mtime=False), FOLDER)
        # What is on the flash counts; the world's effects happened.
        world["receipts"] = {1: flash_records.read_file(FOLDER + "/receipt1")[0]} if "receipt1" in os_list() else {}
        live(world, heard)
        # A command that was never taken is given again by the broker.
        Button(world).commands.on_command(down(1, code, arguments))
        live(world, heard)
        check(world, whole)
        vfs.umount(FOLDER)
        if whole:
            vfs.mount(vfs.VfsLfs2(CHIP, mtime=False), FOLDER)
            return cut
        cut += 1


def a_power_cut_at_any_moment_doubles_nothing_and_loses_no_answer():
    def tested(world, whole):
        # Cut between the press and its record, nobody can know: it is not pressed again, and told as failed.
        assert world["tests"] == 1 or (world["tests"] == 0 and world["receipts"] == {1: frame.RESULT_FAILED}), world
        assert set(world["receipts"]) == {1}

    def kept(world, whole):
        settings = flash_records.read_file(FOLDER + "/settings.json")
        done = world["receipts"] == {1: frame.RESULT_DONE}
        assert done and b"900" in settings and not changed_settings.are_on_trial(FOLDER), (world, settings)

    def gone(world, whole):
        settings = flash_records.read_file(FOLDER + "/settings.json")
        assert world["receipts"] == {1: frame.RESULT_FAILED}, world
        assert settings == SETTINGS and not changed_settings.are_on_trial(FOLDER), settings

    def restarted(world, whole):
        assert world["receipts"] == {1: frame.RESULT_DONE}

    cuts = [
        enumerate_cuts(frame.TEST, b"", True, tested),
        enumerate_cuts(frame.RESTART, b"", True, restarted),
        enumerate_cuts(frame.SETTINGS, b'{"hold_ms": 900}', True, kept),
        enumerate_cuts(frame.SETTINGS, b'{"hold_ms": 900}', False, gone),
    ]
    assert all(cut > 15 for cut in cuts), cuts


CHIP = Chip(b"\xff" * (BLOCK * BLOCKS))
vfs.VfsLfs2.mkfs(CHIP)
vfs.mount(vfs.VfsLfs2(CHIP, mtime=False), FOLDER)
for check in (
    each_is_carried_out_once_and_answered_again,
    what_is_wrong_is_refused_by_name,
    what_may_not_happen_in_an_incident_waits_and_a_locate_does_not,
    a_locate_is_done_with_a_newer_fix,
    changed_settings_are_kept_once_the_gateway_is_heard_with_them,
    they_go_where_the_gateway_is_not_heard,
    a_power_cut_at_any_moment_doubles_nothing_and_loses_no_answer,
):
    check()
    print("holds:", check.__name__)
