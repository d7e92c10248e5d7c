#!/usr/bin/python3
"""A small S3 server in memory, for tests: strict about signatures, and can be told to fail (faults.py).

    tests/s3/server.py [--bucket NAME] [--region R] [--conditional honour|ignore|refuse] [--page N]
                       [--tls CERT KEY] [--host NAME] [RULES]

It verifies SigV4 by code of its own, written from AWS's description: whatever StackSnap signs must be
what is computed here from the request as it came.  Keys are those of /-/keys: {"id": {"key", "token",
"deny": ["s3:PutObject"], "expires": unix time}}; at first there is AKTEST with "secret".  It listens on
127.0.0.1, prints its port, and ends when standard input does.
"""
import argparse
import datetime
import hashlib
import hmac
import json
import re
import ssl
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

import faults
from faults import error

SKEW_S = 900
MIN_PART = 5 << 20


def quote(text, safe=""):
    return urllib.parse.quote(text, safe="-_.~" + safe)


class Bucket:
    def __init__(self):
        self.lock = threading.Lock()
        self.objects = {}  # key: (bytes, seconds)
        self.uploads = {}  # id: (key, {number: bytes})
        self.count = 0


class Handler(faults.Handler):
    options = None
    buckets = {}
    keys = {"AKTEST": {"key": "secret"}}
    clock = 0.0  # seconds that this server is ahead

    def state(self):
        return {"objects": {name: sorted(b.objects) for name, b in self.buckets.items()},
                "uploads": {name: [u[0] for u in b.uploads.values()] for name, b in self.buckets.items()}}

    def set(self, path, body):
        cls = type(self)
        if path == "/-/keys":
            cls.keys = json.loads(body)
        elif path == "/-/clock":
            cls.clock = json.loads(body)["ahead"]
        elif path == "/-/drop":
            for bucket in self.buckets.values():
                bucket.objects.pop(json.loads(body)["key"], None)
        elif path == "/-/options":
            for name, value in json.loads(body).items():
                setattr(self.options, name, value)
        else:
            return 404, {}, b""
        return 200, {}, b""

    # --- who asks ---

    def verify(self, method, target, headers, body):
        """None, or the answer that refuses; sets self.who."""
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
                             r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
                             headers.get("Authorization", ""))
        if not found:
            return error(403, "AccessDenied", "no signature")
        key_id, day, region, names, signature = found.groups()
        who = self.keys.get(key_id)
        if who is None:
            return error(403, "InvalidAccessKeyId")
        if region != self.options.region:
            return error(400, "AuthorizationHeaderMalformed", "wrong region", Region=self.options.region)
        date = headers.get("x-amz-date", "")
        try:
            at = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            return error(403, "AccessDenied", "no date")
        if abs(at.timestamp() - time.time() - self.clock) > SKEW_S or not date.startswith(day):
            return error(403, "RequestTimeTooSkewed")
        declared = headers.get("x-amz-content-sha256", "")
        named = names.split(";")
        sent = sorted(n.lower() for n in headers.keys()
                      if n.lower() in ("host", "range", "if-none-match") or n.lower().startswith("x-amz-"))
        if sorted(named) != named or any(n not in named for n in sent):
            return error(403, "AccessDenied", "headers that are not signed")
        path, _, query = target.partition("?")
        pairs = sorted((quote(k), quote(v)) for k, v in
                       urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
        lines = [method, quote(urllib.parse.unquote(path), "/"), "&".join(f"{k}={v}" for k, v in pairs)]
        lines += [f"{n}:{' '.join(headers[n].split())}" for n in named]
        request = "\n".join(lines + ["", names, declared])
        text = "\n".join(["AWS4-HMAC-SHA256", date, f"{day}/{region}/s3/aws4_request",
                          hashlib.sha256(request.encode()).hexdigest()])
        key = ("AWS4" + who["key"]).encode()
        for part in (day, region, "s3", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        if key.hex() != signature:
            return error(403, "SignatureDoesNotMatch")
        if who.get("token", "") != headers.get("x-amz-security-token", ""):
            return error(400, "InvalidToken")
        if time.time() > who.get("expires", 1e18):
            return error(400, "ExpiredToken")
        if declared == "UNSIGNED-PAYLOAD":
            return None if self.options.tls else error(400, "XAmzContentSHA256Mismatch")
        if declared != hashlib.sha256(body).hexdigest():
            return error(400, "XAmzContentSHA256Mismatch")
        self.who = who
        return None

    def denied(self, action):
        return error(403, "AccessDenied") if action in self.who.get("deny", ()) else None

    # --- what is asked ---

    def answer(self, method, target, headers, body):
        status, more, text = self.verified(method, target, headers, body)
        now = time.time() + self.clock
        return status, {"x-amz-request-id": "1", **more}, text if method != "HEAD" or status != 200 else text

    def date_time_string(self, timestamp=None):
        return super().date_time_string((timestamp or time.time()) + self.clock)

    def verified(self, method, target, headers, body):
        refused = self.verify(method, target, headers, body)
        if refused:
            return refused
        path, _, query = target.partition("?")
        host = headers["Host"].split(":")[0]
        if self.options.host and host.endswith("." + self.options.host):
            name, key = host[:-len(self.options.host) - 1], path[1:]
        else:
            name, _, key = path[1:].partition("/")
        bucket = self.buckets.get(name)
        if bucket is None:
            return error(404, "NoSuchBucket")
        q = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        key = urllib.parse.unquote(key)
        with bucket.lock:
            if not key:
                return self.on_bucket(bucket, method, q)
            return self.on_object(bucket, method, key, q, headers, body)

    def on_bucket(self, b, method, q):
        if method != "GET":
            return error(405, "MethodNotAllowed")
        if "uploads" in q:
            found = "".join(f"<Upload><Key>{escape(k)}</Key><UploadId>{u}</UploadId></Upload>"
                            for u, (k, _) in b.uploads.items() if k.startswith(q.get("prefix", "")))
            return self.denied("s3:ListBucketMultipartUploads") or \
                self.xml("ListMultipartUploadsResult", found)
        if q.get("list-type") != "2":
            return error(501, "NotImplemented")
        after = q.get("start-after", "")
        if "continuation-token" in q:
            after = bytes.fromhex(q["continuation-token"]).decode()
        keys = [k for k in sorted(b.objects) if k.startswith(q.get("prefix", "")) and k > after]
        page, rest = keys[:self.options.page], keys[self.options.page:]
        text = f"<Name>b</Name><IsTruncated>{'true' if rest else 'false'}</IsTruncated>"
        if rest:
            text += f"<NextContinuationToken>{page[-1].encode().hex()}</NextContinuationToken>"
        for k in page:
            data, at = b.objects[k]
            when = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
            text += (f"<Contents><Key>{escape(k)}</Key><LastModified>{when:%Y-%m-%dT%H:%M:%S}.{int(at * 1000) % 1000:03}Z"
                     f"</LastModified><Size>{len(data)}</Size><StorageClass>STANDARD</StorageClass></Contents>")
        return self.denied("s3:ListBucket") or self.xml("ListBucketResult", text)

    def on_object(self, b, method, key, q, headers, body):
        if method == "GET":
            return self.denied("s3:GetObject") or self.get(b, key, headers)
        if method == "DELETE" and "uploadId" in q:
            refused = self.denied("s3:AbortMultipartUpload")
            if refused:
                return refused
            return (204, {}, b"") if b.uploads.pop(q["uploadId"], None) else error(404, "NoSuchUpload")
        if method == "DELETE":
            refused = self.denied("s3:DeleteObject")
            if refused:
                return refused
            b.objects.pop(key, None)
            return 204, {}, b""
        refused = self.denied("s3:PutObject")
        if refused:
            return refused
        if method == "PUT":
            return self.put(b, key, q, headers, body)
        return self.multipart(b, key, q, body)

    def xml(self, name, text):
        return 200, {"Content-Type": "application/xml"}, \
            (f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
             f"{text}</{name}>").encode()

    def get(self, b, key, headers):
        if key not in b.objects:
            return error(404, "NoSuchKey")
        data = b.objects[key][0]
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("Range", ""))
        if not wanted:
            return 200, {"ETag": f'"{hashlib.md5(data).hexdigest()}"'}, data
        first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
        if first > last:
            return error(416, "InvalidRange")
        return 206, {"Content-Range": f"bytes {first}-{last}/{len(data)}"}, data[first:last + 1]

    def put(self, b, key, q, headers, body):
        etag = {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}
        if "uploadId" in q:
            if q["uploadId"] not in b.uploads:
                return error(404, "NoSuchUpload")
            b.uploads[q["uploadId"]][1][int(q["partNumber"])] = body
            return 200, etag, b""
        if "If-None-Match" in headers:
            if self.options.conditional == "refuse":
                return error(501, "NotImplemented", "If-None-Match")
            if self.options.conditional == "honour" and key in b.objects:
                return error(412, "PreconditionFailed")
        b.objects[key] = (body, time.time() + self.clock)
        return 200, etag, b""

    def multipart(self, b, key, q, body):
        if "uploads" in q:
            b.count += 1
            b.uploads[f"id/{b.count}+="] = (key, {})
            return self.xml("InitiateMultipartUploadResult", f"<UploadId>id/{b.count}+=</UploadId>")
        upload = b.uploads.get(q.get("uploadId"))
        if upload is None:
            return error(404, "NoSuchUpload")
        named = re.findall(rb"<PartNumber>(\d+)</PartNumber><ETag>(.*?)</ETag>", body)
        parts = [upload[1].get(int(n)) for n, _ in named]
        for (n, etag), data in zip(named, parts):
            if data is None or etag.decode() != f'"{hashlib.md5(data).hexdigest()}"':
                return error(400, "InvalidPart")
        if any(len(p) < self.options.min_part for p in parts[:-1]):
            return 200, {}, error(400, "EntityTooSmall")[2]  # as AWS may: an error after the status
        b.objects[key] = (b"".join(parts), time.time() + self.clock)
        del b.uploads[q["uploadId"]]
        return self.xml("CompleteMultipartUploadResult", '<ETag>"x-2"</ETag>')


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bucket", action="append")
    p.add_argument("--region", default="us-east-1")
    p.add_argument("--conditional", choices=["honour", "ignore", "refuse"], default="honour")
    p.add_argument("--page", type=int, default=1000)
    p.add_argument("--min-part", type=int, default=MIN_PART)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--host", default="localhost")
    p.add_argument("--tls", nargs=2)
    p.add_argument("rules", nargs="?", default="[]")
    o = p.parse_args()
    Handler.options = o
    Handler.buckets = {name: Bucket() for name in o.bucket or ["bucket"]}
    Handler.faults = faults.Faults(json.loads(o.rules))
    tls = None
    if o.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*o.tls)
    faults.serve(Handler, o.port, tls)


if __name__ == "__main__":
    main()
