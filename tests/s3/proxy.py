#!/usr/bin/python3
"""A proxy on loopback before a real S3 server, which can be told to fail (faults.py).

    tests/s3/proxy.py TARGET_HOST:PORT [RULES]

Requests are passed on as they are, with the Host that they were signed for.  Prints its port, and ends
when standard input does.
"""
import http.client
import json
import sys

import faults


class Handler(faults.Handler):
    target = None

    def answer(self, method, target, headers, body):
        c = http.client.HTTPConnection(self.target, timeout=60)
        try:
            c.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in ("connection", "transfer-encoding", "expect"):
                    c.putheader(name, value)
            c.endheaders(body)
            r = c.getresponse()
            kept = {n: v for n, v in r.getheaders()
                    if n.lower() not in ("connection", "content-length", "transfer-encoding", "date", "server")}
            return r.status, kept, r.read()
        finally:
            c.close()


def main():
    Handler.target = sys.argv[1]
    Handler.faults = faults.Faults(json.loads(sys.argv[2]) if len(sys.argv) > 2 else ())
    faults.serve(Handler)


if __name__ == "__main__":
    main()
