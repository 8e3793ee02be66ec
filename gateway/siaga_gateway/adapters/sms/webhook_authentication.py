"""Authenticates requests to the SMS webhook as the aggregator's."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from siaga_gateway.config.sms import SmsWebhookSettings
from siaga_gateway.formats import sms_webhook_signature
from siaga_gateway.formats.sms_webhook_body import flat_fields, form_fields

IN_THE_HEAD: Final = frozenset({"bearer", "basic", "path"})  # proved without the body


def is_theirs(settings: SmsWebhookSettings, request: Request, body: bytes) -> bool:
    """Whether it proves knowledge of the secret in the configured way. For IN_THE_HEAD the body is not used."""
    headers, shown_by = request.headers, settings.shown_by
    secret = settings.secret.get_secret_value().encode() if settings.secret else b""
    authorization = headers.get("authorization", "")
    match shown_by:
        case "bearer":
            scheme, _, shown = authorization.partition(" ")
            return sms_webhook_signature.same(shown.strip() if scheme.lower() == "bearer" else "", secret)
        case "basic":
            return sms_webhook_signature.is_basic(secret, authorization)
        case "path":
            return sms_webhook_signature.same(str(request.path_params.get("secret", "")), secret)
        case "hmac":
            # Without a body the query is read, which a hash of an empty body does not cover.
            return body != b"" and sms_webhook_signature.is_hmac(
                secret, body, headers.get(settings.signature_header or "", "")
            )
    query, content_type = str(request.url.query), headers.get("content-type", "")
    is_form = "form" in content_type.lower()
    try:
        fields = form_fields(body, content_type) if is_form else []
        if shown_by == "twilio":
            shown = headers.get("x-twilio-signature", "")
            return sms_webhook_signature.is_twilio(secret, settings.public_url or "", query, body, fields, shown)
        if authorization:
            return sms_webhook_signature.is_vonage_token(secret, authorization, body)
        if not is_form:
            fields = flat_fields(body) if body else form_fields(query.encode())
        return sms_webhook_signature.is_vonage(secret, settings.signature_method, fields)
    except ValueError:  # more fields than a message has, or half a character
        return False
