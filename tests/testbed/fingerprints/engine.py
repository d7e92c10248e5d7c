"""The project as the engine sees it: containers, volumes and networks, and a way to run programs inside."""

import hashlib
import json
import re
import subprocess

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
WORKING_DIR = "com.docker.compose.project.working_dir"
DATA_FOLDERS = {"postgres": "/var/lib/postgresql/data", "mariadb": "/var/lib/mysql", "redis": "/data"}


def docker(*args, stdin=None):
    done = subprocess.run(["docker", *args], input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"fingerprint: docker {' '.join(args[:4])}…: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def inspect(kind, ids):
    return json.loads(docker(kind, "inspect", *ids)) if ids else []


def listed(kind, project, *more):
    return docker(kind, "ls", "-q", *more, "--filter", f"label={PROJECT}={project}").decode().split()


def escape(name):
    """Bytes or text as printable ASCII: no tab, no line end, % only before two digits."""
    raw = name if isinstance(name, bytes) else name.encode()
    return re.sub(rb"[^\x20-\x24\x26-\x7e]", lambda m: b"%%%02X" % m.group()[0], raw).decode()


def digest(*parts):
    """Of byte strings, with their borders."""
    total = hashlib.sha256()
    for part in parts:
        total.update(b"%d:" % len(part))
        total.update(part)
    return total.hexdigest()[:32]


class Container:
    def __init__(self, described):
        self.described = described
        self.config = described["Config"]
        self.id = described["Id"]
        self.service = self.config["Labels"].get(SERVICE, described["Name"])
        self.running = described["State"]["Running"]
        self.kind = self.database_kind()

    def database_kind(self):
        image = self.config["Image"].rsplit("/", 1)[-1]
        for kind, names in (("postgres", "postgres|pgvector|postgis"), ("mariadb", "mariadb|mysql"),
                            ("redis", "redis|valkey")):
            if re.match(rf"({names})\b", image):
                return kind
        return None

    def run(self, *args, stdin=None):
        return docker("exec", "-i", self.id, *args, stdin=stdin)

    def shell(self, script, *args, stdin=None):
        return self.run("sh", "-c", script, "sh", *args, stdin=stdin)


class Project:
    def __init__(self, name):
        self.name = name
        self.containers = [Container(d) for d in inspect("container", listed("container", name, "-a"))]
        self.containers.sort(key=lambda c: (c.service, c.described["Name"]))

    def databases(self, kind):
        for container in self.containers:
            if container.kind == kind:
                if not container.running:
                    raise SystemExit(f"fingerprint: {container.service} is not running, and must be to be read")
                yield container


def labels(container):
    """Compose writes what a service depends on in another order each time."""
    found = dict(container.config["Labels"])
    depends_on = "com.docker.compose.depends_on"
    if depends_on in found:
        found[depends_on] = ",".join(sorted(found[depends_on].split(",")))
    return found


def settings(container):
    """What Compose decided about a container, without what is new each time one is made."""
    config, host = container.config, container.described["HostConfig"]
    networks = container.described["NetworkSettings"]["Networks"]
    return {
        "image": config["Image"], "command": config["Cmd"], "entrypoint": config["Entrypoint"],
        "environment": digest(*sorted(line.encode() for line in config["Env"])),
        "labels": labels(container), "healthcheck": config.get("Healthcheck"), "ports": host["PortBindings"],
        "restart": host["RestartPolicy"],
        "mounts": sorted((m["Type"], m.get("Name") or m["Source"], m["Destination"], m["RW"])
                         for m in container.described["Mounts"]),
        "networks": {name: sorted(alias for alias in net["Aliases"] or [] if not re.fullmatch("[0-9a-f]{12}", alias))
                     for name, net in networks.items()},
    }


def as_text(value):
    return escape(json.dumps(value, sort_keys=True, separators=(",", ":")))


def read(project):
    for container in project.containers:
        for name, value in settings(container).items():
            yield "compose", "container", escape(container.described["Name"].lstrip("/")) + "." + name, as_text(value)
    for volume in inspect("volume", listed("volume", project.name)):
        kept = {key: volume[key] for key in ("Driver", "Labels", "Options")}
        yield "compose", "volume", escape(volume["Name"]), as_text(kept)
    for network in inspect("network", listed("network", project.name)):
        kept = {key: network[key] for key in ("Driver", "Internal", "Labels", "Options")}
        yield "compose", "network", escape(network["Name"]), as_text(kept)
