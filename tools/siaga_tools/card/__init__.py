"""The holder's card: what each press does and what each light, sound and vibration means, on one page."""
