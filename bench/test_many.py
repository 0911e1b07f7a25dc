#!/usr/bin/python3
"""The driver of many connections by itself, as TAP: bad arguments and bad commands. What it does with a server is shown
by every run of the benchmark, which does not believe a result that is not whole.

Usage: bench/test_many.py PATH_OF_MANY
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from tap import check, failures

MANY = sys.argv[1]
PATIENCE = 60
BAD_ARGUMENTS = [  # arguments, and what is said; KEY is a file with a key
    ((), "usage:"), (("22",), "usage:"), (("22", "me"), "usage:"), (("22", "me", "KEY", "more"), "usage:"),
    (("0", "me", "KEY"), "not a number from 1"), (("65536", "me", "KEY"), "not a number from 1"),
    (("-1", "me", "KEY"), "not a number"), (("22x", "me", "KEY"), "not a number"), (("", "me", "KEY"), "not a number"),
    (("99999999999999999999", "me", "KEY"), "not a number"),
    (("22", "me", "/no/such/key"), "/no/such/key"), (("22", "me", "/dev/null"), "/dev/null"),
]
BAD_COMMANDS = [
    ("\n", "not a command"), ("nosuch\n", "not a command: nosuch"), ("login\n", "not a command: login"),
    ("login 1\n", "not a command: login"), ("login 1 1 1\n", "not a command: login"),
    ("login 1 1 1 1 1\n", "not a command: login"), ("end now\n", "not a command: end"),
    ("login x 1\n", "not a number"), ("login 1 0\n", "not a number from 1"), ("login 1000001 1\n", "not a number"),
    ("churn -1 1\n", "not a number"), ("open 1 1 70000\n", "not a number from 1 to 65535"),
    ("open 1 1 80\n", "there is no connection"), ("move 0 1\n", "not a number from 1"),
    ("move 1 0\n", "not a number from 1"), ("close 0\n", "not a number from 1"), ("x" * 300, "a line is too long"),
]
GOOD_COMMANDS = [  # nothing to do, and ends
    ("", []), ("end\n", []), ("login 0 1\nclose 1\nmove 1 1\nend\nnosuch\n", [0, 0, 0]), ("login 0 1", []),
]


def many(*args, said=""):
    done = subprocess.run([MANY, *args], input=said, capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


with tempfile.TemporaryDirectory() as folder:
    key = str(pathlib.Path(folder) / "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)

    for args, words in BAD_ARGUMENTS:
        status, out, err = many(*[key if word == "KEY" else word for word in args])
        check(f"refuses {args}", status == 2 and words in err and not out, status, out, err)
    for text, words in BAD_COMMANDS:
        status, out, err = many("1", "me", key, said=text)
        check(f"refuses {text[:20]!r}", status == 2 and words in err and not out, status, out, err)
    for text, counts in GOOD_COMMANDS:
        status, out, err = many("1", "me", key, said=text)
        done = [json.loads(line)["done"] for line in out.splitlines()]
        check(f"does {text!r}", status == 0 and done == counts and not err, status, out, err)
    status, out, err = many("1", "me", key, said="login 3 2\nend\n")  # port 1: nobody listens
    result = json.loads(out or "{}")
    check("a refused connection is told", status == 0 and result.get("failed") == 3 and result.get("why"), out, err)

sys.exit(bool(failures))
