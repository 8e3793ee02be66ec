"""The carrier board, revision A, as data: each part with its pins' nets and what is ordered.

Schematic and board are drawn from this file, and both are compared with it. A net that the firmware knows has the
firmware's name for the pin (firmware/siaga/boards/siaga_rev_a.py). "" = the pin is not connected, on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

POWER: Final = ("+3V3", "GND", "+BATT", "VBUS")

# The T-A7670's headers: pin: what it is there. Source: LilyGO-T-A76XX 7d8ce57, schematic/esp32/T-A7670X-V1.4.pdf,
# page 3, PX and PY; the silkscreen on images/A7670-ESP32.jpg (V1.0) is alike, but for PY 16 (V3V3) and PX 12 (IO38 for
# SENSOR_VP).
PX: Final = {
    1: "TXD0",
    2: "RXD0",
    3: "VDD3V3",
    4: "GND",
    5: "IO22",
    6: "IO21",
    7: "IO23",
    8: "IO19",
    9: "IO18",
    10: "IO5",
    11: "IO39",
    12: "IO36",
    13: "IO0",
    14: "EN",
    15: "GND",
    16: "VBUS",
}
PY: Final = {
    1: "V_BAT",
    2: "IO12",
    3: "IO13",
    4: "IO14",
    5: "IO15",
    6: "IO2",
    7: "IO4",
    8: "IO27",
    9: "IO26",
    10: "IO25",
    11: "IO35",
    12: "IO34",
    13: "IO33",
    14: "IO32",
    15: "GND",
    16: "VDD3V3",
}


@dataclass(frozen=True)
class Order:
    """What is ordered. number: the maker's; document: where it stands; second: another source, or "none"."""

    maker: str
    number: str
    document: str
    second: str


@dataclass(frozen=True)
class Part:
    """A part on the board. symbol, footprint: of KiCad's libraries; sheet: of the schematic; order: None = copper."""

    ref: str
    symbol: str
    value: str
    footprint: str
    sheet: str
    pins: dict[str, str]
    order: Order | None


_YAGEO = "Yageo, RC_L series data sheet (PYu-RC_Group_51_RoHS_L)"
_SAMSUNG = "Samsung Electro-Mechanics, MLCC catalogue (CL series)"
_JST = "JST, PH connector (ePH.pdf)"


def _resistor(size: str, code: str) -> Order:
    return Order("Yageo", f"RC{size}FR-07{code}L", _YAGEO, f"any 1 % thick film, {size}")


_ORDERS: Final = {
    "100n": Order("Samsung", "CL21B104KBCNNNC", _SAMSUNG, "any X7R, 25 V or more, 0805"),
    "10u": Order("Samsung", "CL21A106KAYNNNE", _SAMSUNG, "any X5R, 16 V or more, 0805"),
    "100u": Order("Samsung", "CL31A107MQHNNNE", _SAMSUNG, "any X5R, 6.3 V or more, 1206"),
    "AO3400A": Order(
        "Alpha & Omega", "AO3400A", "AOS, AO3400A data sheet (aosmd.com/pdfs/datasheet/AO3400A.pdf)", "none"
    ),
    "1N4148W": Order("Vishay", "1N4148W-E3-08", "Vishay, document 85748", "any 1N4148W, SOD-123"),
    "ESD5Z5.0": Order("onsemi", "ESD5Z5.0T1G", "onsemi, ESD5Z2.5T1/D rev. 15", "none: others leak more"),
    "SMAJ5.0A": Order("Littelfuse", "SMAJ5.0A", "Littelfuse, SMAJ series data sheet", "any SMAJ5.0A"),
    "SS34": Order("Vishay", "SS34", "Vishay, document 88751", "any SS34 in SMA"),
    "LTV-817S": Order("Lite-On", "LTV-817S", "Lite-On, LTV-817-827-847 data sheet", "any 817 in SMDIP-4"),
    "MF-MSMF200": Order("Bourns", "MF-MSMF200-2", "Bourns, MF-MSMF series data sheet", "any 2 A, 8 V PTC, 1812"),
    "B3F-4055": Order("Omron", "B3F-4055", "Omron, B3F (en-b3f.pdf)", "none looked for"),
    "L-59EGC": Order(
        "Kingbright", "L-59EGC", "Kingbright, L-59EGC (Ver.20A)", "any 5 mm red and green, common cathode"
    ),
    "SMT-1028-T-2-R": Order("PUI Audio", "SMT-1028-T-2-R", "PUI Audio, SMT-1028-T-2-R data sheet", "none looked for"),
    "USB4125": Order("GCT", "USB4125-GF-A", "GCT, drawing usb4125.pdf", "none: others have other pads"),
    "PH2": Order("JST", "B2B-PH-K-S", _JST, "none looked for"),
    "PH3": Order("JST", "B3B-PH-K-S", _JST, "none looked for"),
    "PT4": Order(
        "Phoenix Contact", "PT 1,5/ 4-3,5-H", "Phoenix Contact, PT 1,5/ 4-3,5-H", "any of 3.5 mm pitch, 4 poles"
    ),
    "Socket16": Order("Samtec", "SSW-116-01-T-S", "Samtec, SSW series print", "any socket 1x16, 2.54 mm, 8.5 mm high"),
    "Pins6": Order("Samtec", "TSW-106-07-T-S", "Samtec, TSW series print", "any pin header 1x6, 2.54 mm"),
    **{
        value: _resistor(size, code)
        for value, size, code in (
            ("47", "1206", "47R"),
            ("1k5", "1206", "1K5"),
            ("100", "0805", "100R"),
            ("220", "0805", "220R"),
            ("270", "0805", "270R"),
            ("470", "0805", "470R"),
            ("1k", "0805", "1K"),
            ("5k1", "0805", "5K1"),
            ("10k", "0805", "10K"),
            ("47k", "0805", "47K"),
            ("100k", "0805", "100K"),
            ("150k", "0805", "150K"),
            ("1M", "0805", "1M"),
        )
    },
}
_SIZES: Final = {"47": "1206_3216", "1k5": "1206_3216", "100u": "1206_3216"}


def _part(ref: str, symbol: str, value: str, footprint: str, sheet: str, *nets: str, names: str = "") -> Part:
    """nets: of pins 1, 2, ..., or of the pins named."""
    pins = dict(zip(names.split() or map(str, range(1, len(nets) + 1)), nets, strict=False))
    return Part(ref, symbol, value, footprint, sheet, pins, _ORDERS.get(value))


def _passive(sheet: str, ref: str, value: str, one: str, two: str) -> Part:
    kind = "Resistor_SMD:R" if ref[0] == "R" else "Capacitor_SMD:C"
    return _part(ref, f"Device:{ref[0]}", value, f"{kind}_{_SIZES.get(value, '0805_2012')}Metric", sheet, one, two)


def _pad(sheet: str, ref: str, name: str, net: str) -> Part:
    return _part(ref, "Connector:TestPoint", name, "TestPoint:TestPoint_Pad_D1.5mm", sheet, net)


def _plug(sheet: str, ref: str, count: int, *nets: str) -> Part:
    footprint = f"Connector_JST:JST_PH_B{count}B-PH-K_1x0{count}_P2.00mm_Vertical"
    return _part(ref, f"Connector_Generic:Conn_01x0{count}", f"PH{count}", footprint, sheet, *nets)


def _transistor(sheet: str, ref: str, gate: str, drain: str) -> Part:
    footprint = "Package_TO_SOT_SMD:SOT-23"
    return _part(ref, "Transistor_FET:AO3400A", "AO3400A", footprint, sheet, gate, "GND", drain)


def _diode(sheet: str, ref: str, value: str, cathode: str, anode: str) -> Part:
    symbol, footprint = {
        "1N4148W": ("Diode:1N4148W", "D_SOD-123"),
        "ESD5Z5.0": ("Diode:ESD5Zxx", "D_SOD-523"),
        "SMAJ5.0A": ("Diode:SMAJ5.0A", "D_SMA"),
        "SS34": ("Diode:SS34", "D_SMA"),
    }[value]
    return _part(ref, symbol, value, f"Diode_SMD:{footprint}", sheet, cathode, anode)


# What each header pin is connected to; all others are left open. PY 16 is one of them: it is the chip's 3.3 V by the
# schematic of V1.4, but may be the switched one on earlier boards.
_PX_NETS: Final = {
    3: "+3V3",
    4: "GND",
    5: "LORAWAN_RX",
    6: "LORAWAN_TX",
    7: "LED",
    8: "BUZZER",
    9: "VIBRATION",
    11: "INPUT",
    15: "GND",
    16: "VBUS",
}
_PY_NETS: Final = {
    1: "+BATT",
    3: "LORAWAN_RESET",
    4: "MAINS",
    6: "SECOND_LED",
    12: "CASE",
    14: "BUTTON",
    15: "GND",
}


def _socket(ref: str, nets: dict[int, str]) -> Part:
    footprint = "Connector_PinSocket_2.54mm:PinSocket_1x16_P2.54mm_Vertical"
    pins = {str(pin): nets.get(pin, "") for pin in range(1, 17)}
    return Part(ref, "Connector:Conn_01x16_Socket", "Socket16", footprint, "module", pins, _ORDERS["Socket16"])


PARTS: Final = (
    _socket("J1", _PX_NETS),
    _socket("J2", _PY_NETS),
    *(_passive("module", f"C{number}", "100u", "+3V3", "GND") for number in range(1, 5)),
    _pad("module", "TP1", "3V3", "+3V3"),
    _pad("module", "TP2", "GND", "GND"),
    _pad("module", "TP3", "VBAT", "+BATT"),
    _pad("module", "TP4", "5V", "VBUS"),
    # The button: 10 mA through the contact, so that it cleans itself; 0.1 ms of filter; one here, one in the panel.
    _passive("button", "R1", "47", "+3V3", "BUTTON_FEED"),
    _part(
        "SW1",
        "Switch:SW_Push",
        "B3F-4055",
        "Button_Switch_THT:SW_SPST_Omron_B3F-40xx",
        "button",
        "BUTTON_FEED",
        "BUTTON_RAW",
    ),
    _plug("button", "J3", 2, "BUTTON_FEED", "BUTTON_RAW"),
    _passive("button", "R2", "270", "BUTTON_RAW", "GND"),
    _diode("button", "D1", "ESD5Z5.0", "BUTTON_RAW", "GND"),
    _passive("button", "R3", "1k", "BUTTON_RAW", "BUTTON"),
    _passive("button", "C5", "100n", "BUTTON", "GND"),
    _pad("button", "TP5", "BUTTON", "BUTTON"),
    _passive("case", "R4", "1M", "+3V3", "CASE_RAW"),
    _plug("case", "J4", 2, "CASE_RAW", "GND"),
    _diode("case", "D2", "ESD5Z5.0", "CASE_RAW", "GND"),
    _passive("case", "R5", "1k", "CASE_RAW", "CASE"),
    _passive("case", "C6", "100n", "CASE", "GND"),
    _pad("case", "TP6", "CASE", "CASE"),
    # A dry contact between terminals 1 and 2 with 3 and 4 linked, or 5 to 15 V at 2 (+) and 3. Fed from the cell, so
    # that it works in a blackout.
    _passive("input", "R6", "470", "+BATT", "INPUT_FEED"),
    _part(
        "J5",
        "Connector:Screw_Terminal_01x04",
        "PT4",
        "TerminalBlock_Phoenix:TerminalBlock_Phoenix_PT-1,5-4-3.5-H_1x04_P3.50mm_Horizontal",
        "input",
        *("INPUT_FEED", "INPUT_P", "INPUT_N", "GND"),
    ),
    _passive("input", "R7", "1k5", "INPUT_P", "OPTO_A"),
    _diode("input", "D3", "1N4148W", "OPTO_A", "INPUT_N"),
    _part(
        "U1",
        "Isolator:LTV-817S",
        "LTV-817S",
        "Package_DIP:SMDIP-4_W9.53mm",
        "input",
        "OPTO_A",
        "INPUT_N",
        "INPUT",
        "+3V3",
    ),
    _passive("input", "R8", "47k", "INPUT", "GND"),
    _passive("input", "C7", "100n", "INPUT", "GND"),
    _pad("input", "TP7", "INPUT", "INPUT"),
    _passive("signals", "R9", "220", "LED", "LED_A1"),
    _passive("signals", "R10", "220", "SECOND_LED", "LED_A2"),
    _part("D4", "Device:LED_Dual_AKA", "L-59EGC", "LED_THT:LED_D5.0mm-3", "signals", "LED_A1", "GND", "LED_A2"),
    _passive("signals", "R11", "220", "LED", "PANEL_A1"),
    _passive("signals", "R12", "220", "SECOND_LED", "PANEL_A2"),
    _plug("signals", "J6", 3, "PANEL_A1", "GND", "PANEL_A2"),
    _plug("signals", "J7", 2, "+3V3", "MOTOR_N"),
    _diode("signals", "D5", "1N4148W", "+3V3", "MOTOR_N"),
    _transistor("signals", "Q1", "MOTOR_G", "MOTOR_N"),
    _passive("signals", "R13", "100", "VIBRATION", "MOTOR_G"),
    _passive("signals", "R14", "100k", "MOTOR_G", "GND"),
    _part(
        "LS1",
        "Device:Buzzer",
        "SMT-1028-T-2-R",
        "Buzzer_Beeper:MagneticBuzzer_PUI_SMT-1028-T-2-R",
        "signals",
        *("+3V3", "BUZZER_N"),
    ),
    _diode("signals", "D6", "1N4148W", "+3V3", "BUZZER_N"),
    _transistor("signals", "Q2", "BUZZER_G", "BUZZER_N"),
    _passive("signals", "R15", "100", "BUZZER", "BUZZER_G"),
    _passive("signals", "R16", "100k", "BUZZER_G", "GND"),
    _part(
        "J8",
        "Connector_Generic:Conn_01x06",
        "Pins6",
        "Connector_PinHeader_2.54mm:PinHeader_1x06_P2.54mm_Vertical",
        "lorawan",
        *("+3V3", "GND", "LORAWAN_TX", "LORAWAN_RX", "LORAWAN_RESET", "GND"),
    ),
    _passive("lorawan", "R17", "10k", "+3V3", "LORAWAN_RESET"),
    _passive("lorawan", "C8", "10u", "+3V3", "GND"),
    _part(
        "J9",
        "Connector:USB_C_Receptacle_PowerOnly_6P",
        "USB4125",
        "Connector_USB:USB_C_Receptacle_GCT_USB4125-xx-x_6P_TopMnt_Horizontal",
        "supply",
        *("VBUS_IN", "VBUS_IN", "GND", "GND", "CC1", "CC2", "GND"),
        names="A9 B9 A12 B12 A5 B5 S1",
    ),
    _passive("supply", "R18", "5k1", "CC1", "GND"),
    _passive("supply", "R19", "5k1", "CC2", "GND"),
    _part("F1", "Device:Polyfuse", "MF-MSMF200", "Fuse:Fuse_1812_4532Metric", "supply", "VBUS_IN", "VBUS_F"),
    _diode("supply", "D7", "SMAJ5.0A", "VBUS_F", "GND"),
    _passive("supply", "C9", "10u", "VBUS_F", "GND"),
    _diode("supply", "D8", "SS34", "VBUS", "VBUS_F"),
    _passive("supply", "R20", "100k", "VBUS", "MAINS"),
    _passive("supply", "R21", "150k", "MAINS", "GND"),
    _passive("supply", "C10", "100n", "MAINS", "GND"),
)
SHEETS: Final = {
    "module": "Sockets of the T-A7670",
    "button": "SOS button, here and in the panel",
    "case": "Case switch",
    "input": "External input",
    "signals": "Light, motor, sounder",
    "lorawan": "LoRaWAN module (RAK3272S) by cable",
    "supply": "5 V by USB-C, and the sight of it",
}


def nets() -> dict[str, set[tuple[str, str]]]:
    """Each net with its (part, pin)."""
    found: dict[str, set[tuple[str, str]]] = {}
    for part in PARTS:
        for pin, net in part.pins.items():
            if net:
                found.setdefault(net, set()).add((part.ref, pin))
    return found
