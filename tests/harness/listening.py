# SPDX-License-Identifier: Apache-2.0
"""A client of server-sent events (WHATWG HTML, section 9.2), as far as ours are sent."""

import json
from collections import namedtuple

import requests

Event = namedtuple("Event", "id data")


class Listening:
    """One stream of a person's notifications, open once made; `start` is what a client that got no event comes again
    with."""

    def __init__(self, topology, person, last=None, timeout=20):
        headers = {"Authorization": f"Bearer {person.token}", **({"Last-Event-ID": last} if last else {})}
        url = f"{topology.url}/v1/users/{person.id}/notifications/stream"
        self.answer = requests.get(url, headers=headers, stream=True, timeout=timeout)
        self.lines = self.answer.iter_lines(chunk_size=1, decode_unicode=True)
        if self.answer.status_code == 200:
            assert next(self.lines) == "retry: 1000"
            self.start = next(self.lines).removeprefix("id: ")
            assert next(self.lines) == ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answer.close()

    def events(self):
        """Those that come, until the stream ends."""
        fields = {}
        for line in self.lines:
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "data" in fields:
                yield Event(fields["id"], json.loads(fields["data"]))
                fields = {}

    def wait_for_signs_of_life(self, count):
        """So many comments, with nothing else before them."""
        for _ in range(count):
            assert [next(self.lines), next(self.lines)] == [":", ""]

    def next(self):
        return next(self.events())
