"""An HTTP server on loopback whose answers can be told to fail: what server.py and proxy.py share.

Rules are a list of objects, which the first request that fits uses up:

    {"method": "PUT", "path": "packs/", "query": "uploadId", "after": 2, "times": 1, "do": "status",
     "status": 503, "code": "SlowDown", "headers": {"Retry-After": "2"}}

method, path and query (parts of them) choose requests; of those, the first `after` pass, and the next
`times` (0: all others) fail.  What is done:

    status    answer with status, S3's error code and headers, without doing it
    cut       close the connection without doing it, when half of the request's body was read
    lost      do it, and close the connection without an answer
    short     do it, promise the whole body, send half of it, close
    truncate  do it, and send half of the body as if that were all (status 200)
    delay     wait for `seconds`, then do it

POST /-/rules replaces the rules, POST /-/lag {"seconds": n} makes listings late, GET /-/state tells what
was asked.  The server ends when its standard input does.
"""
import http.server
import json
import os
import re
import socket
import sys
import threading
import time
import urllib.parse

OBJECT = re.compile(rb"<Contents>.*?</Contents>", re.S)
KEY = re.compile(rb"<Key>(.*?)</Key>")


def error(status, code, message="as it was told to", **more):
    extra = "".join(f"<{k}>{v}</{k}>" for k, v in more.items())
    body = f"<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{extra}</Error>"
    return status, {"Content-Type": "application/xml"}, body.encode()


class Faults:
    def __init__(self, rules=()):
        self.lock = threading.Lock()
        self.rules = [dict(r) for r in rules]
        self.lag = 0.0
        self.put_at = {}  # path: when
        self.log = []

    def choose(self, method, path, query):
        with self.lock:
            self.log.append(f"{method} {path}{'?' + query if query else ''}")
            for r in self.rules:
                if r.get("method", method) != method or r.get("path", "") not in path:
                    continue
                if r.get("query", "") not in query or r.get("no_query") and query:
                    continue
                r["seen"] = r.get("seen", 0) + 1
                n = r["seen"] - r.get("after", 0)
                if n > 0 and (r.get("times", 1) == 0 or n <= r.get("times", 1)):
                    return r
        return None

    def note(self, method, path, query, status):
        if method == "PUT" and status == 200 and not query:
            with self.lock:
                self.put_at[urllib.parse.unquote(path)] = time.monotonic()

    def hide(self, path, body):
        """What was put less than lag ago is not listed yet."""
        if not self.lag:
            return body
        now = time.monotonic()

        def keep(m):
            key = KEY.search(m[0])[1].decode()
            at = self.put_at.get(f"{path.rstrip('/')}/{key}", 0)
            return b"" if now - at < self.lag else m[0]
        return OBJECT.sub(keep, body)


class Handler(http.server.BaseHTTPRequestHandler):
    """A subclass has faults, and answer(method, target, headers, body) -> status, headers, body."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *args):
        pass

    def control(self, path, body):
        f = self.faults
        if path == "/-/rules":
            with f.lock:
                f.rules = json.loads(body)
        elif path == "/-/lag":
            f.lag = json.loads(body)["seconds"]
        elif path == "/-/state":
            with f.lock:
                state = {"log": list(f.log), "rules": f.rules, **self.state()}
            return 200, {}, json.dumps(state).encode()
        else:
            return self.set(path, body)
        return 200, {}, b""

    def state(self):
        return {}

    def set(self, path, body):
        return 404, {}, b""

    def hang_up(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def do_any(self):
        path, _, query = self.path.partition("?")
        size = int(self.headers.get("Content-Length") or 0)
        if path.startswith("/-/"):
            return self.send(*self.control(path, self.rfile.read(size)))
        rule = self.faults.choose(self.command, path, query)
        do = rule["do"] if rule else ""
        if do == "cut":
            self.rfile.read(size // 2)
            return self.hang_up()
        body = self.rfile.read(size)
        if len(body) < size:
            return self.hang_up()
        if do == "status":
            status, headers, answer = error(rule.get("status", 503), rule.get("code", "SlowDown"))
            return self.send(status, {**headers, **rule.get("headers", {})}, answer)
        if do == "delay":
            time.sleep(rule["seconds"])
        status, headers, answer = self.answer(self.command, self.path, self.headers, body)
        self.faults.note(self.command, path, query, status)
        if "list-type=2" in query:
            answer = self.faults.hide(path, answer)
        if do == "lost":
            return self.hang_up()
        if do == "truncate":
            answer = answer[:len(answer) // 2]
        self.send(status, headers, answer, len(answer) // 2 if do == "short" else None)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any

    def send(self, status, headers, body, cut_at=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut_at is None else body[:cut_at])
        self.wfile.flush()
        if cut_at is not None:
            self.hang_up()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def serve(handler, port=0, tls=None):
    """Print the port, and serve until standard input ends."""
    server = Server(("127.0.0.1", port), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    try:
        while os.read(0, 4096):
            pass
    except (KeyboardInterrupt, OSError):
        pass
