"""`python -m siaga_gateway ...` is `siaga gateway ...`; how a parent starts its workers."""

from siaga_gateway.cli import gateway

gateway(prog_name="siaga gateway")
