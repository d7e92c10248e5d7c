"""Redis and Valkey: every key of every database with type, expiry and content, and functions."""

import re

from .engine import digest, escape

# One line a key: hex name, type, time of expiry (ms, -1 for never), SHA-1 of the content.  Lists keep
# their order; sets and hashes are sorted, because theirs means nothing.
READ_ALL = r"""
local function join(items)
    for i, item in ipairs(items) do
        item = tostring(item)
        items[i] = #item .. ':' .. item
    end
    return table.concat(items)
end
local function sorted(items)
    table.sort(items)
    return join(items)
end
local function pairs_of(flat)
    local items = {}
    for i = 1, #flat, 2 do
        items[#items + 1] = #flat[i] .. ':' .. flat[i] .. flat[i + 1]
    end
    return sorted(items)
end
local function stream(key)
    local items = {}
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
        items[#items + 1] = entry[1]
        items[#items + 1] = join(entry[2])
    end
    local info = redis.call('XINFO', 'STREAM', key)
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' or info[i] == 'entries-added' or info[i] == 'max-deleted-entry-id' then
            items[#items + 1] = info[i] .. info[i + 1]
        end
    end
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
        local name
        for i = 1, #group, 2 do
            items[#items + 1] = group[i] .. tostring(group[i + 1])
            if group[i] == 'name' then name = group[i + 1] end
        end
        for _, pending in ipairs(redis.call('XPENDING', key, name, '-', '+', 100000)) do
            items[#items + 1] = join({pending[1], pending[2], pending[4]})
        end
    end
    return join(items)
end
local content = {
    string = function(key) return redis.call('GET', key) end,
    list = function(key) return join(redis.call('LRANGE', key, 0, -1)) end,
    set = function(key) return sorted(redis.call('SMEMBERS', key)) end,
    zset = function(key) return join(redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')) end,
    hash = function(key) return pairs_of(redis.call('HGETALL', key)) end,
    stream = stream,
}
local lines = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind = redis.call('TYPE', key).ok
    local hex = key:gsub('.', function(c) return string.format('%02x', c:byte()) end)
    local read = content[kind] or function(k) return redis.call('DUMP', k) end
    lines[#lines + 1] = table.concat({hex, kind, tostring(redis.call('PEXPIRETIME', key)), redis.sha1hex(read(key))}, ' ')
end
return lines
"""
# The demo app's stream, one entry an order: its number and SHA-1.
READ_EVENTS = r"""
local lines = {}
for _, entry in ipairs(redis.call('XRANGE', 'events', '-', '+')) do
    lines[#lines + 1] = entry[1]:match('^%d+') .. ' ' .. redis.sha1hex(table.concat(entry[2], '|'))
end
return lines
"""


class Server:
    def __init__(self, container):
        self.container = container

    def call(self, database, *args, stdin=None):
        return self.container.shell(
            'cli=redis-cli; command -v $cli >/dev/null || cli=valkey-cli; n=$1; shift; exec $cli --raw -n "$n" "$@"',
            str(database), *args, stdin=stdin)

    def script(self, database, text):
        return self.call(database, "EVAL", text, "0").decode().splitlines()

    def databases(self):
        keyspace = self.call(0, "INFO", "keyspace").decode()
        return [int(number) for number in re.findall(r"^db(\d+):", keyspace, re.MULTILINE)]


def read_key(database, is_shop, line):
    hex_name, kind, expires, value = line.split(" ")
    name = bytes.fromhex(hex_name)
    if is_shop and name in (b"events", b"counter"):
        return None
    if is_shop and (match := re.fullmatch(rb"cart:(\d+)", name)):
        return "redis", "row", f"{match.group(1).decode()} cart", f"{expires} {value}"
    return "redis", f"key {kind}", f"{database}/{escape(name)}", f"expires={expires} {value}"


def read(project):
    for container in project.databases("redis"):
        server = Server(container)
        for database in server.databases():
            is_shop = database == 0 and server.call(0, "TYPE", "events").strip() == b"stream"
            for line in server.script(database, READ_ALL):
                if item := read_key(database, is_shop, line):
                    yield item
            if is_shop:
                yield "redis", "counter", "n", server.call(0, "GET", "counter").decode().strip() or "0"
                for line in server.script(0, READ_EVENTS):
                    n, value = line.split(" ")
                    yield "redis", "row", f"{n} event", value
        functions = server.call(0, "FUNCTION", "LIST", "WITHCODE")
        yield "redis", "functions", "all", digest(functions)
