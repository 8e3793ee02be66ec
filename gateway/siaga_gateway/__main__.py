"""`python -m siaga_gateway ...` is `siaga gateway ...`; a parent starts its workers this way."""

from siaga_gateway.bootstrap.quick_imports import own_process
from siaga_gateway.cli.group import gateway

own_process()
gateway(prog_name="siaga gateway")
