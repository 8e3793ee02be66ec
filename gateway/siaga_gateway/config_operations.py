"""Settings for whoever keeps the gateway running: the log, the figures."""

from __future__ import annotations

from pydantic import Field

from siaga_gateway.config_section import Section


class MetricsSettings(Section):
    """Figures for Prometheus and answers for a load balancer, on a port of their own."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on for `/metrics`, `/healthz` and `/readyz`. They hold no personal data, but "
        "anybody who reaches them may read them.",
        min_length=1,
    )
    port: int | None = Field(
        None, description="Port to listen on, 9110 for instance; none: off, 0 takes a free one.", ge=0, le=65_535
    )
