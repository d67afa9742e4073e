# SPDX-License-Identifier: Apache-2.0
"""Requests as bytes, made of parts that a client library would refuse to send.

Marks in them stand for what is known only when a test runs: see `fill`."""

import json
import uuid

from harness.people import now

MARKS = ("me", "other", "nobody", "offer", "token", "key", "email", "now", "fresh")


def request(method, path, body=None, headers="", content_type="application/json"):
    """A whole request; `body` is text or bytes, `headers` whole lines."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}"
    if body is None:
        return (head + "\r\n").encode("latin-1")
    raw = body if isinstance(body, bytes) else body.encode()
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    return (head + "Content-Length: <length>\r\n\r\n").encode("latin-1") + raw


def fill(data, **values):
    """Puts values in the place of their marks, `<me>` and so on, and then the body's true length."""
    values = {"now": now(), "nobody": str(uuid.uuid4()), "fresh": uuid.uuid4().hex, **values}
    for mark in MARKS:
        data = data.replace(f"<{mark}>".encode(), str(values.get(mark, "")).encode())
    head, _, body = data.partition(b"\r\n\r\n")
    return data.replace(b"<length>", str(len(body)).encode(), 1)


def with_token(method, path, body=None, headers="", **options):
    return request(method, path, body, "Authorization: Bearer <token>\r\n" + headers, **options)


def with_key(body, headers="", **options):
    return request("POST", "/v1/emotions/stream", body, "X-Internal-Key: <key>\r\n" + headers, **options)


def emotion_text(extra="", **raw):
    """An emotion event whose members are raw JSON texts."""
    member = {
        "userId": '"<me>"', "timestamp": '"<now>"', "type": '"joy"', "positivity": "0.5",
        "intensity": "0.5", "stress_level": "0.5", **raw,
    }  # fmt: skip
    metrics = ", ".join(f'"{m}": {member[m]}' for m in ("positivity", "intensity", "stress_level"))
    metrics = raw.get("metrics", "{" + metrics + "}")
    event = raw.get("emotionEvent", f'{{"type": {member["type"]}, "metrics": {metrics}}}')
    event_id = f', "eventId": {raw["eventId"]}' if "eventId" in raw else ""
    return (
        f'{{"userId": {member["userId"]}, "timestamp": {member["timestamp"]},'
        f' "emotionEvent": {event}{event_id}{extra}}}'
    )


def payment_text(amount="1", user='"<me>"', extra=""):
    return f'{{"userId": {user}, "amount": {amount}{extra}}}'


def account_text(email='"<fresh>@example.com"', password='"correct horse battery"', extra=""):
    return f'{{"email": {email}, "password": {password}{extra}}}'


def quoted(text):
    """A JSON string that stands for this text, with its characters as they are."""
    return json.dumps(text, ensure_ascii=False)
