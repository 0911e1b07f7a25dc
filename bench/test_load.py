#!/usr/bin/python3
"""The load generator by itself, as TAP: bad arguments first, then that what is sent is what arrives.

Usage: bench/test_load.py PATH_OF_LOAD
"""
import json
import socket
import subprocess
import sys

from tap import check, failures

LOAD = sys.argv[1]
PATIENCE = 60
BAD = [  # arguments, and what is said
    ((), "usage:"), (("nosuch",), "usage:"), (("sink",), "usage:"), (("source", "0"), "usage:"),
    (("-x", "sink", "0"), "usage:"), (("-n", "0", "sink", "0"), "not a number from 1"),
    (("-n", "99999", "sink", "0"), "not a number from 1"), (("-w", "-1", "sink", "0"), "not a number"),
    (("sink", "0", "12q"), "not an amount"), (("sink", "0", "1kk"), "not an amount"),
    (("sink", "0", ""), "not a number"),
    (("pingpong", "127.0.0.1", "1", "0", "64"), "not a number from 1"), (("sink", "99999x"), "port 99999x"),
    (("recv", "127.0.0.1", "1"), "Connection refused"),
]


def load(*args):
    done = subprocess.run([LOAD, *map(str, args)], capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


def client(*args):
    status, out, err = load(*args)
    return status, json.loads(out) if out else err


class Server:
    def __init__(self, *args):
        self.child = subprocess.Popen([LOAD, *map(str, args)], stdout=subprocess.PIPE, text=True)
        self.port = self.line()["port"]

    def line(self):
        return json.loads(self.child.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()


for args, said in BAD:
    status, out, err = load(*args)
    check(f"refuses {args}", status == 2 and said in err and not out, status, out, err)

with Server("-h", "sink", 0) as sink:
    seen = set()
    for amount, size in (("1", 1), ("3m", 3 << 20), ("5000001", 5000001)):
        status, sent = client("-h", "send", "127.0.0.1", sink.port, amount)
        got = sink.line()
        seen.add(got["hash"])
        check(f"send {amount}", status == 0 and sent["bytes"] == got["bytes"] == size and sent["hash"] == got["hash"]
              and not sent["broken"], sent, got)
    check("other bytes have another hash", len(seen) == 3, seen)

with Server("-h", "source", 0, "2000003") as source:
    status, got = client("-h", "recv", "127.0.0.1", source.port)
    sent = source.line()
    check("recv", status == 0 and got["bytes"] == sent["bytes"] == 2000003 and got["hash"] == sent["hash"], sent, got)
    status, got = client("-n", 5, "recv", "127.0.0.1", source.port)
    check("five streams", status == 0 and got["bytes"] == 5 * 2000003 and got["streams"] == 5, got)

with Server("source", 0, "64m") as source:
    status, got = client("recv", "127.0.0.1", source.port, "64k")
    sent = source.line()
    check("a reader that leaves early is seen", status == 0 and not got["broken"] and sent["broken"], got, sent)

with Server("echo", 0) as echo:
    status, pings = client("pingpong", "127.0.0.1", echo.port, 50, 64)
    check("closed loop", status == 0 and pings["requests"] == 50 and 0 < pings["p50_us"] <= pings["max_us"], pings)
    status, pings = client("pingpong", "127.0.0.1", echo.port, 50, 65536, 1000)
    check("open loop", status == 0 and 0 < pings["p50_us"] <= pings["p99_us"] <= pings["max_us"], pings)

with socket.create_server(("127.0.0.1", 0)) as listener:
    port = listener.getsockname()[1]
    child = subprocess.Popen([LOAD, "send", "127.0.0.1", str(port), "64m"], stdout=subprocess.PIPE, text=True)
    listener.accept()[0].close()  # what it sent is unread, so this is a reset
    result = json.loads(child.communicate(timeout=PATIENCE)[0])
    check("a broken stream is told", child.returncode == 1 and result["broken"], result)

sys.exit(bool(failures))
