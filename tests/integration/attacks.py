# SPDX-License-Identifier: Apache-2.0
"""The table of bad input and attacks: name, request, the code it must get, and the hope of whoever
sends it, which must not come true. Frames that HTTP itself forbids are in test_framing.py and
test_wire.py, forged tokens in test_identity.py, the values of single members in the tests of their
routes.

Marks like <me> are filled in when a test runs (harness/requests_as_bytes.py)."""

from collections import namedtuple

from harness.people import now
from harness.requests_as_bytes import (
    account_text, emotion_text, payment_text, quoted, request, with_key, with_token,
)  # fmt: skip

Case = namedtuple("Case", "name request code hope")

REGISTER, LOGIN, PAY = "/v1/auth/register", "/v1/auth/login", "/v1/transactions"
OFFERS, CONSENT = "/v1/users/<me>/offers", "/v1/users/<me>/consents/emotional_data"
FORGED = "2026-01-01T00:00:00Z - error - forged"
MARKUP = "<script>alert(1)</script>"
SQL = "'; DELETE FROM users; --"


def register(**members):
    return request("POST", REGISTER, account_text(**members))


def login(**members):
    return request("POST", LOGIN, account_text(**members))


def pay(amount="1", headers="", **members):
    return with_token("POST", PAY, payment_text(amount, **members), headers)


def feel(**members):
    return with_key(emotion_text(**members))


def at(**offset):
    return quoted(now(**offset))


JSON = [
    Case("empty body", with_key(""), 400, "a handler without its input"),
    Case("only spaces", with_key(" \r\n\t"), 400, "a handler without its input"),
    Case("truncated in a member", with_key(emotion_text()[:-3]), 400, "half an event stored"),
    Case("truncated in a string", with_key('{"userId": "<me>'), 400, "a read beyond the body"),
    Case("truncated in an escape", with_key('{"userId": "\\u00'), 400, "a read beyond the body"),
    Case("two documents", with_key(emotion_text() + emotion_text()), 400, "a second event unseen"),
    Case("bytes after the document", with_key(emotion_text() + "]"), 400, "a parser that stops early"),
    Case("10,000 brackets", with_key("[" * 10000), 400, "the stack's end"),
    Case("10,000 objects", with_key('{"a":' * 10000), 400, "the stack's end"),
    Case("60,000 brackets in an extra member", with_key(emotion_text(extra=', "x": ' + "[" * 30000 + "]" * 30000)), 400, "the stack's end"),
    Case("20,000 members", with_key("{" + ",".join(f'"m{n}":1' for n in range(5000)) + "}"), 422, "a hash table attacked"),
    Case("duplicate userId", with_key(emotion_text(extra=', "userId": "<other>"')), 400, "two readers disagree"),
    Case("duplicate amount", pay("1", extra=', "amount": 99999'), 400, "two readers disagree"),
    Case("duplicate by an escape", pay("1", extra=', "\\u0061mount": 99999'), 400, "two readers disagree"),
    Case("duplicate granted", with_token("PUT", CONSENT, '{"granted": false, "granted": true}'), 400, "a consent nobody gave"),
    Case("BOM", with_key(b"\xef\xbb\xbf" + emotion_text().encode()), 400, "two readers disagree"),
    Case("UTF-16", with_key(emotion_text().encode("utf-16")), 400, "bytes read as text"),
    Case("invalid UTF-8", with_key(emotion_text(type='"joy\xff"').encode("latin-1")), 400, "broken text stored"),
    Case("overlong UTF-8", with_key(emotion_text().replace("joy", "X").encode().replace(b"X", b"\xc0\xaf")), 400, "a slash past the checks"),
    Case("encoded surrogate", with_key(emotion_text().replace("joy", "X").encode().replace(b"X", b"\xed\xa0\x80")), 400, "broken text stored"),
    Case("lone high surrogate", feel(type='"\\ud83d"'), 400, "broken text stored"),
    Case("lone low surrogate", feel(type='"\\ude00"'), 400, "broken text stored"),
    Case("surrogates the wrong way round", feel(type='"\\ude00\\ud83d"'), 400, "broken text stored"),
    Case("NUL in a string", feel(type='"j\\u0000y"'), 400, "a text cut short"),
    Case("NUL in a member's name", with_key(emotion_text(extra=', "a\\u0000b": 1')), 400, "a text cut short"),
    Case("raw NUL", with_key(emotion_text().replace("joy", "j\0y")), 400, "a text cut short"),
    Case("raw newline in a string", feel(type='"j\ny"'), 400, "a second line in the stream"),
    Case("single quotes", with_key("{'userId': 1}"), 400, "a lenient parser"),
    Case("comment", with_key("/* */" + emotion_text()), 400, "a lenient parser"),
    Case("comma at the end", with_key('{"userId": "<me>",}'), 400, "a lenient parser"),
    Case("1e999", pay("1e999"), 400, "an infinity"),
    Case("minus zero", pay("-0"), 422, "a payment of nothing"),
    Case("minus zero with decimals", pay("-0.00"), 422, "a payment of nothing"),
    Case("NaN", pay("NaN"), 400, "an amount without order"),
    Case("2^53 + 1", pay("9007199254740993"), 422, "an amount rounded"),
    Case("2^64", pay("18446744073709551616"), 400, "an amount that wraps"),
    Case("1,000 digits", pay("0." + "0" * 1000 + "1"), 422, "an amount rounded to nothing"),
    Case("exponent of 10 digits", pay("1e-9999999999"), 422, "a loop of the exponent's length"),
    Case("amount as text", pay('"1"'), 422, "a guess"),
    Case("body no object", with_token("POST", PAY, "[]"), 422, "a guess"),
    Case("body a number", with_token("POST", PAY, "1"), 422, "a guess"),
]  # fmt: skip

VALUES = [
    Case("metric just above 1", feel(positivity="1.000000001"), 422, "an average beyond 1"),
    Case("metric just below 0", feel(intensity="-0.000000001"), 422, "an average below 0"),
    Case("metric 1e-400", feel(stress_level="1e-400"), 202, "a crash of the reader"),
    Case("amount 0", pay("0"), 422, "a row that says nothing"),
    Case("amount -1", pay("-1"), 422, "money drawn by a deposit"),
    Case("amount 0.001", pay("0.001"), 422, "a rounding kept"),
    Case("amount 1e8", pay("1e8"), 422, "more than the column holds"),
    Case("amount 100000000.00", pay("100000000.00"), 422, "more than the column holds"),
    Case("user id with braces", pay(user='"{<me>}"'), 422, "two names of one person"),
    Case("user id as URN", pay(user='"urn:uuid:<me>"'), 422, "two names of one person"),
    Case("user id with a tail", pay(user='"<me> "'), 422, "two names of one person"),
    Case("time without a zone", feel(timestamp='"2026-01-01T00:00:00"'), 422, "a guessed zone"),
    Case("leap second", feel(timestamp='"2016-12-31T23:59:60Z"'), 422, "a time that is none"),
    Case("second 61", feel(timestamp='"2016-12-31T23:59:61Z"'), 422, "a time that is none"),
    Case("hour 24", feel(timestamp='"2026-01-01T24:00:00Z"'), 422, "a time that is none"),
    Case("29 February of a common year", feel(timestamp='"2025-02-29T00:00:00Z"'), 422, "a time that is none"),
    Case("year 0000", feel(timestamp='"0000-01-01T00:00:00Z"'), 422, "a date the database refuses"),
    Case("year 0001", feel(timestamp='"0001-01-01T00:00:00Z"'), 422, "a row kept for ever"),
    Case("year 9999", feel(timestamp='"9999-12-31T23:59:59Z"'), 422, "a row kept for ever"),
    Case("year 9999 behind a zone", feel(timestamp='"9999-12-31T23:59:59-23:59"'), 422, "a date the database refuses"),
    Case("year 10000", feel(timestamp='"10000-01-01T00:00:00Z"'), 422, "a date the database refuses"),
    Case("zone +99:99", feel(timestamp='"2026-01-01T00:00:00+99:99"'), 422, "a time that is none"),
    Case("1 h ahead", feel(timestamp=at(hours=1)), 422, "an event of the future"),
    Case("older than the retention", feel(timestamp=at(days=-36)), 422, "a row removed at once"),
    Case("infinity as a time", feel(timestamp='"infinity"'), 422, "a word that only PostgreSQL knows"),
    Case("now as a time", feel(timestamp='"now"'), 422, "a word that only PostgreSQL knows"),
    Case("payment of the future", pay(extra=f', "occurredAt": {at(hours=1)}'), 422, "a payment of the future"),
    Case("payment of year 0001", pay(extra=', "occurredAt": "0001-01-01T00:00:00Z"'), 422, "a date the database refuses"),
    Case("time of 60,000 digits", feel(timestamp='"2026-01-01T00:00:00.' + "1" * 60000 + 'Z"'), 422, "a buffer's end"),
    Case("email of 255 characters", register(email=quoted("a" * 243 + "@example.com")), 422, "a text cut short"),
    Case("email with a newline", register(email='"a@example.com\\nBcc: b@example.com"'), 422, "a second header in a mail"),
    Case("email with a carriage return", register(email='"a@example.com\\r"'), 422, "a second header in a mail"),
    Case("email turned by a mark", register(email='"a\\u202emoc@example.com"'), 422, "a name that looks like another"),
    Case("email with an invisible space", register(email='"a\\u200b@example.com"'), 422, "a name that looks like another"),
    Case("email with two @", register(email='"a@b@example.com"'), 422, "a guess"),
    Case("email with NUL", register(email='"a\\u0000@example.com"'), 400, "a text cut short"),
    Case("password of 7 characters", register(password='"1234567"'), 422, "a weak password"),
    Case("password of 7 characters of 4 bytes", register(password=quoted("\U0001f600" * 7)), 422, "bytes counted as characters"),
    Case("password of 129 characters", register(password=quoted("x" * 129)), 422, "a text cut short"),
    Case("password of 60,000 characters", register(password=quoted("x" * 60000)), 422, "a hash that takes seconds"),
    Case("login with 60,000 characters", login(password=quoted("x" * 60000)), 401, "a hash that takes seconds"),
    Case("password with NUL", register(password='"12345678\\u0000x"'), 400, "a password cut short"),
    Case("page 0", with_token("GET", OFFERS + "?page=0"), 422, "a negative offset"),
    Case("page -1", with_token("GET", OFFERS + "?page=-1"), 422, "a negative offset"),
    Case("page 10^12", with_token("GET", OFFERS + "?page=1000000000000"), 200, "an offset that wraps"),
    Case("page 2^64", with_token("GET", OFFERS + "?page=18446744073709551617"), 422, "an offset that wraps"),
    Case("page 1.5", with_token("GET", OFFERS + "?page=1.5"), 422, "a guess"),
    Case("page in words", with_token("GET", OFFERS + "?page=one"), 422, "a guess"),
    Case("page empty", with_token("GET", OFFERS + "?page="), 422, "a guess"),
    Case("page size 0", with_token("GET", OFFERS + "?page_size=0"), 422, "a list without end"),
    Case("page size 101", with_token("GET", OFFERS + "?page_size=101"), 422, "a list without end"),
    Case("key of 256 characters", pay(headers="Idempotency-Key: " + "k" * 256 + "\r\n"), 422, "a text cut short"),
    Case("key empty", pay(headers="Idempotency-Key:\r\n"), 422, "one key for everybody"),
]  # fmt: skip

IDENTITY = [
    Case("no credential", request("GET", OFFERS), 401, "an open door"),
    Case("token in the query", request("GET", OFFERS + "?access_token=<token>&token=<token>"), 401, "tokens in logs of addresses"),
    Case("token in a cookie", request("GET", OFFERS, headers="Cookie: access_token=<token>\r\n"), 401, "a request forged across sites"),
    Case("token in the body", request("POST", PAY, payment_text(extra=', "access_token": "<token>"')), 401, "a second way in"),
    Case("token as a proxy's", request("GET", OFFERS, headers="Proxy-Authorization: Bearer <token>\r\n"), 401, "a second way in"),
    Case("token twice in a line", request("GET", OFFERS, headers="Authorization: Bearer <token>, Bearer <token>\r\n"), 401, "two readers disagree"),
    Case("token with a tail", request("GET", OFFERS, headers="Authorization: Bearer <token> x\r\n"), 401, "a check of the first word"),
    Case("two Authorization lines", with_token("GET", OFFERS, headers="authorization: Bearer x\r\n"), 400, "two readers disagree"),
    Case("internal key empty", request("POST", "/v1/emotions/stream", emotion_text(), "X-Internal-Key:\r\n"), 401, "nothing equals nothing"),
    Case("internal key wrong", request("POST", "/v1/emotions/stream", emotion_text(), "X-Internal-Key: <key>x\r\n"), 401, "a comparison of beginnings"),
    Case("internal key doubled in a line", request("POST", "/v1/emotions/stream", emotion_text(), "X-Internal-Key: <key>, <key>\r\n"), 401, "two readers disagree"),
    Case("internal key in two lines", request("POST", "/v1/emotions/stream", emotion_text(), "X-Internal-Key: <key>\r\nX-Internal-Key: <key>\r\n"), 400, "two readers disagree"),
    Case("internal key with an underscore", request("POST", "/v1/emotions/stream", emotion_text(), "X_Internal_Key: <key>\r\n"), 401, "two names of one header"),
    Case("internal key in the query", request("POST", "/v1/emotions/stream?X-Internal-Key=<key>", emotion_text()), 401, "keys in logs of addresses"),
    Case("internal key as a token", request("GET", OFFERS, headers="Authorization: Bearer <key>\r\n"), 401, "one key for all doors"),
    Case("token on an internal route", with_token("POST", "/v1/emotions/stream", emotion_text()), 401, "emotions sent by anybody"),
    Case("internal key on a person's route", request("GET", OFFERS, headers="X-Internal-Key: <key>\r\n"), 401, "everybody's data"),
    Case("predict from outside", with_key(emotion_text()).replace(b"/v1/emotions/stream", b"/v1/predict"), 404, "the model asked by strangers"),
    Case("metrics from outside", request("GET", "/metrics"), 404, "figures for strangers"),
    Case("another's offers", with_token("GET", "/v1/users/<other>/offers"), 403, "another's data"),
    Case("another's profile", with_token("GET", "/v1/users/<other>"), 403, "another's data"),
    Case("another's offers, first in my name", with_token("GET", OFFERS + "?user_id=<other>"), 200, "a query before the path"),
    Case("another by a second segment", with_token("GET", "/v1/users/<me>/../<other>/offers"), 400, "a path read twice"),
    Case("another by an encoded segment", with_token("GET", "/v1/users/<me>%2f..%2f<other>/offers"), 400, "a path read twice"),
    Case("another's payment", pay(user='"<other>"'), 403, "a payment in another's name"),
    Case("another's consent", with_token("PUT", "/v1/users/<other>/consents/emotional_data", '{"granted": true}'), 403, "a consent nobody gave"),
    Case("another's analysis", with_token("POST", "/v1/users/<other>/credit-analysis"), 403, "another's data"),
    Case("an offer that is nobody's", with_token("POST", "/v1/credit-offers/<nobody>/accept", '{"userId": "<me>"}'), 404, "an offer made up"),
    Case("another's offer", with_token("POST", "/v1/credit-offers/<offer>/accept", '{"userId": "<me>"}'), 404, "another's credit"),
    Case("another's offer in another's name", with_token("POST", "/v1/credit-offers/<offer>/accept", '{"userId": "<other>"}'), 403, "another's credit"),
    Case("method by a header", with_token("POST", OFFERS, headers="X-HTTP-Method-Override: GET\r\n"), 405, "a route past its checks"),
    Case("path by a header", request("GET", "/healthz", headers="X-Original-URL: /v1/users/<other>\r\nX-Rewrite-URL: /v1/users/<other>\r\n"), 200, "a route past its checks"),
    Case("person by a header", request("GET", OFFERS, headers="X-User-Id: <me>\r\nX-Forwarded-User: <me>\r\n"), 401, "a header believed"),
    Case("role by registration", register(extra=', "role": "operator", "is_admin": true, "id": "<other>"', email='"nobody"'), 422, "a role taken by oneself"),
    Case("wrong password", login(email='"<email>"', password='"wrong password"'), 401, "an open door"),
    Case("unknown email", login(), 401, "a list of who has an account"),
    Case("password as an object", login(email='"<email>"', password='{"$ne": ""}'), 422, "a query in place of a value"),
    Case("email as a list", login(email='["<email>"]'), 422, "a query in place of a value"),
]  # fmt: skip

INJECTION = [
    Case("SQL in the email of a login", login(email=quoted(f"a@example.com{SQL}")), 401, "a statement of the client's"),
    Case("always true in a login", login(email=quoted("' OR '1'='1"), password=quoted("' OR '1'='1")), 401, "an open door"),
    Case("SQL in the path", with_token("GET", "/v1/users/<me>'%20OR%201=1--/offers"), 422, "a statement of the client's"),
    Case("SQL in an offer's id", with_token("POST", "/v1/credit-offers/1'%20OR%20'1'='1/accept", '{"userId": "<me>"}'), 404, "a statement of the client's"),
    Case("SQL in the query", with_token("GET", OFFERS + "?page=1;DROP%20TABLE%20users"), 422, "a statement of the client's"),
    Case("SQL in a person's id", pay(user=quoted(SQL)), 422, "a statement of the client's"),
    Case("array syntax of PostgreSQL in a type", feel(type=quoted('{a,"b"},\\'), userId='"7"'), 422, "a value split in two"),
    Case("JSON in a type", feel(type=quoted('x"}, "userId": "<other>'), userId='"7"'), 422, "another's event"),
    Case("newline and an event in a type", feel(type=quoted('x\n{"userId": "<other>"}')), 422, "a second line in the stream"),
    Case("wildcard > as a person", feel(userId='"user.>"'), 422, "every subject"),
    Case("wildcard * as a person", feel(userId='"*"'), 422, "every subject"),
    Case("wildcard as an event's id", feel(eventId='"transactions.*"'), 422, "another subject"),
    Case("wildcard in the path", with_token("GET", "/v1/users/*/offers"), 422, "everybody's data"),
    Case("protocol of NATS in a type", feel(type=quoted("x\r\nPUB dead.x 1\r\nx\r\n")), 422, "a message of the client's"),
    Case("protocol of Redis in the path", with_token("GET", "/v1/users/x%0d%0aFLUSHALL%0d%0a/offers"), 400, "an empty cache"),
    Case("format string in the email", login(email=quoted("%s%s%s%n%n@example.com")), 401, "memory read or written"),
    Case("format string in the path", with_token("GET", "/v1/users/%25n%25s%25n/offers"), 422, "memory read or written"),
    Case("CRLF in the request id", request("GET", "/healthz", headers="X-Request-ID: a\r\nX-Injected: b\r\n"), 200, "a header of the client's"),
    Case("encoded CRLF in the request id", request("GET", "/v1/x", headers="X-Request-ID: a%0d%0aX-Injected:b\r\n"), 404, "a header of the client's"),
    Case("CR in the request id", request("GET", "/healthz", headers="X-Request-ID: a\rX-Injected: b\r\n"), 400, "a header of the client's"),
    Case("NUL in the request id", request("GET", "/healthz", headers="X-Request-ID: a\0b\r\n"), 400, "a text cut short"),
    Case("log line as the request id", request("GET", "/v1/x", headers=f"X-Request-ID: {FORGED}\r\n"), 404, "a line of the log forged"),
    Case("log line in the path", request("GET", "/v1/%0A" + FORGED.replace(" ", "%20")), 400, "a line of the log forged"),
    Case("log line in the email", login(email=quoted(f"a@example.com\n{FORGED}")), 401, "a line of the log forged"),
    Case("escape codes of a terminal", login(email=quoted("\x1b[2J\x1b]0;x\x07@example.com")), 401, "an operator's terminal"),
    Case("markup in the type of a bad event", feel(type=quoted(MARKUP), userId='"7"'), 422, "a script in a page"),
    Case("markup in the path", request("GET", "/v1/%3Cscript%3Ealert(1)%3C/script%3E"), 404, "a script in an error page"),
    Case("foreign Host", request("GET", "/healthz").replace(b"Host: x", b"Host: evil.example"), 200, "a link to elsewhere"),
    Case("traceparent with a forged line", request("GET", "/v1/x", headers=f"traceparent: 00-{'0' * 32}-{FORGED}\r\n"), 404, "a line of the log forged"),
    Case("file in the path", request("GET", "/v1/..%2f..%2fetc%2fpasswd"), 400, "a file of the host"),
    Case("address of the cloud in a body", login(email='"http://169.254.169.254/@x"'), 401, "a request by us"),
    Case("form instead of JSON", request("POST", LOGIN, "email=a&password=b", content_type="application/x-www-form-urlencoded"), 415, "a form of another site"),
    Case("text instead of JSON", with_token("POST", PAY, payment_text(), content_type="text/plain"), 415, "a form of another site"),
    Case("JSON said to be packed", with_token("POST", PAY, payment_text(), "Content-Encoding: gzip\r\n"), 202, "a bomb of zeros"),
    Case("a GET with a body", with_token("GET", OFFERS, "{}"), 200, "a second request in it"),
]  # fmt: skip

WRONG = {"null": "null", "a number": "7", "true": "true", "a list": "[]", "an object": "{}", "a text": '""'}


def wrong_types():
    """Every member of every body with null and each type that is not its own."""
    metrics = ("positivity", "intensity", "stress_level")
    places = [(m, "a text", lambda v, m=m: feel(**{m: v}), 422) for m in ("userId", "timestamp", "type")]
    places += [(m, "an object", lambda v, m=m: feel(**{m: v}), 422) for m in ("emotionEvent", "metrics")]
    places += [(m, "a number", lambda v, m=m: feel(**{m: v}), 422) for m in metrics]
    places += [
        ("eventId", "a text", lambda v: feel(eventId=v), 422),
        ("userId of a payment", "a text", lambda v: pay(user=v), 422),
        ("amount", "a number", pay, 422),
        ("occurredAt", "a text", lambda v: pay(extra=f', "occurredAt": {v}'), 422),
        ("email of a registration", "a text", lambda v: register(email=v), 422),
        ("password of a registration", "a text", lambda v: register(password=v), 422),
        ("consents", "an object", lambda v: register(extra=f', "consents": {v}'), 422),
        ("emotional_data", "true", lambda v: register(extra=f', "consents": {{"emotional_data": {v}}}'), 422),
        ("email of a login", "a text", lambda v: login(email=v), 422),
        ("password of a login", "a text", lambda v: login(password=v), 422),
        ("granted", "true", lambda v: with_token("PUT", CONSENT, f'{{"granted": {v}}}'), 422),
        ("userId of an acceptance", "a text",
         lambda v: with_token("POST", "/v1/credit-offers/<offer>/accept", f'{{"userId": {v}}}'), 422),
    ]  # fmt: skip
    for member, own, make, code in places:
        for name, text in WRONG.items():
            if name != own:
                yield Case(f"{member} is {name}", make(text), code, "a guess")


CASES = [*JSON, *VALUES, *IDENTITY, *INJECTION, *wrong_types()]
