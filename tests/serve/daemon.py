"""What the tests of the daemon share: one that runs, and clients of it.

A test program here is written as those in tests/cli (harness.py): functions marked with @test, and
finish() at its end.
"""
import ctypes
import http.client
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from harness import *  # noqa: F401,F403,E402
from harness import STACKSNAP, Place, same  # noqa: E402

NAME = "ada"
SECRET = "a long enough password"
HEX = "[0-9a-f]{64}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body
        self.text = body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)

    def expect(self, status):
        if self.status != status:
            raise AssertionError(f"status {self.status}, not {status}\n{self.headers}{self.text}")
        return self

    def problem(self, status, code):
        """An error as RFC 9457 has it; its words."""
        self.expect(status)
        same(self.headers["Content-Type"], "application/problem+json")
        p = self.json()
        same((p["type"], p["status"], p["code"]), ("about:blank", status, code))
        if not p["title"] or not p["detail"]:
            raise AssertionError(f"no words: {p}")
        return p["detail"]


LIBC = ctypes.CDLL(None)


def end_with_us():
    """A test that is killed, or fails before its end, leaves no daemon behind (PR_SET_PDEATHSIG)."""
    LIBC.prctl(1, signal.SIGKILL)


class Daemon:
    """`stacksnap serve` in a place of tests/cli; stop() it, or leave it to the with statement."""

    def __init__(self, place, *options, port=None, start=True):
        self.place, self.options = place, options
        self.port = port or free_port()
        self.state = place.path / "daemon"
        self.cookie = self.csrf = None
        if start:
            self.start()

    def start(self):
        self.log = open(self.place.path / "serve.log", "ab")
        self.process = subprocess.Popen(
            [STACKSNAP, "serve", "--state-dir", self.state, "--listen", f"127.0.0.1:{self.port}", *self.options],
            env=self.place.env, cwd=self.place.path, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True, preexec_fn=end_with_us)
        end = time.monotonic() + 20
        while True:
            try:
                self.ask("GET", "/session").expect(200)
                return
            except (OSError, http.client.HTTPException):
                if time.monotonic() > end or self.process.poll() is not None:
                    raise AssertionError(f"the daemon does not answer:\n{self.printed()}") from None
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def printed(self):
        return (self.place.path / "serve.log").read_text(errors="replace")

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(20)
        self.log.close()
        return code

    def web_pid(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        pids = children.split()
        # Any of the keeper's threads may have started it.
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            pids += pathlib.Path(f"/proc/{self.process.pid}/task/{task}/children").read_text().split()
        for pid in map(int, pids):
            if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:2] == [b"web"]:
                return pid
        raise AssertionError("there is no web process")

    # --- asking ---

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def ask(self, method, path, body=None, headers=None, connection=None):
        """Below /api/v1, as who has logged in with login()."""
        headers = dict(headers or {})
        if self.cookie and "Cookie" not in headers and "Authorization" not in headers:
            headers["Cookie"] = self.cookie
        if self.csrf and method not in ("GET", "HEAD"):
            headers.setdefault("X-CSRF-Token", self.csrf)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        c = connection or self.connect()
        c.request(method, "/api/v1" + path, body, headers)
        response = c.getresponse()
        answer = Answer(response, response.read())
        if connection is None:
            c.close()
        return answer

    def page(self, path, **headers):
        c = self.connect()
        c.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        response = c.getresponse()
        answer = Answer(response, response.read())
        c.close()
        return answer

    def raw(self, data, wait_s=20):
        """Exactly these bytes; what comes until the daemon hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait_s) as s:
            s.sendall(data)
            got = b""
            while True:
                try:
                    part = s.recv(65536)
                except (TimeoutError, ConnectionResetError):
                    return got
                if not part:
                    return got
                got += part

    # --- accounts ---

    def remember(self, answer):
        self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        self.csrf = answer.json()["csrf"]
        return self

    def setup(self):
        token = (self.state / "setup-token").read_text().strip()
        return self.remember(
            self.ask("POST", "/setup", {"token": token, "name": NAME, "password": SECRET}).expect(201))

    def login(self):
        return self.remember(self.ask("POST", "/login", {"name": NAME, "password": SECRET}).expect(200))

    def listen(self, last=None):
        return Listener(self, last)


class Listener:
    """Events, as they come: (id, type, data); comments are ("", "comment", text)."""

    def __init__(self, daemon, last=None):
        self.connection = daemon.connect()
        headers = {"Cookie": daemon.cookie}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self.connection.request("GET", "/api/v1/events", headers=headers)
        self.response = self.connection.getresponse()
        same((self.response.status, self.response.headers["Content-Type"]), (200, "text/event-stream"))

    def next(self):
        """None at the end of the stream."""
        fields = {}
        while True:
            line = self.response.readline().decode()
            if line == "":
                return None
            line = line.rstrip("\n")
            if line.startswith(":"):
                fields["comment"] = line[1:]
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                return int(fields["id"]), fields["event"], json.loads(fields["data"])
            elif "comment" in fields and "retry" not in fields:
                return "", "comment", fields["comment"]
            else:
                fields = {}

    def wait_for(self, kind, test=lambda data: True):
        while True:
            event = self.next()
            if event is None:
                raise AssertionError(f"the stream ended before {kind}")
            if event[1] == kind and test(event[2]):
                return event

    def close(self):
        self.connection.close()
