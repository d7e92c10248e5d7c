#!/usr/bin/python3
"""A registry that has one image: one_image_registry.py FOLDER, an unpacked `docker save`.

Prints its port, then serves on 127.0.0.1 until it is killed.  Whatever is asked for by name is that image."""
import hashlib
import http.server
import json
import pathlib
import sys

root = pathlib.Path(sys.argv[1])
saved = json.loads((root / "manifest.json").read_text())[0]
blobs = {}


def blob(name, kind):
    data = (root / name).read_bytes()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    blobs[digest] = data
    return {"mediaType": kind, "size": len(data), "digest": digest}


MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
manifest = json.dumps({
    "schemaVersion": 2, "mediaType": MANIFEST,
    "config": blob(saved["Config"], "application/vnd.docker.container.image.v1+json"),
    "layers": [blob(layer, "application/vnd.docker.image.rootfs.diff.tar") for layer in saved["Layers"]]}).encode()
digest = "sha256:" + hashlib.sha256(manifest).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body, kind, code = b"{}", "application/json", 200
        last = self.path.rsplit("/", 1)[-1]
        if "/manifests/" in self.path:
            body, kind = manifest, MANIFEST
            code = 404 if last.startswith("sha256:") and last != digest else 200
        elif "/blobs/" in self.path:
            body, kind, code = blobs.get(last, b""), "application/octet-stream", 200 if last in blobs else 404
        self.send_response(code)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))),
                            ("Docker-Content-Digest", digest), ("Docker-Distribution-Api-Version", "registry/2.0")):
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
