"""Many connections at once with an open channel each, and many channels on one connection: do they all answer?

A round sends 64 bytes over every channel while all stay open, so many of them at a time.
"""
import resource

from lab import SERVERS
from programs import Failed, Programs
from report import head, line

NAME = "B8"
ABOUT = "many connections at once, many channels on one connection"
LIMIT_MS = 50
ROUNDS = 3
AT_ONCE = [16, 256]
SPARE = 200  # descriptors of a process beside those for connections


def fit(number, each):
    """As many as the descriptors of one process allow when each needs so many; and what they allow."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return min(number, (hard - SPARE) // each), hard


def measure(lab, name, connections, channels):
    """Time from the first login to the last channel; echo times of the best round, by the number at a time."""
    with Programs() as programs:
        server, echo = lab.server(programs, name), programs.load("echo", 0)
        driver = programs.many(server.port, lab.user, lab.key)
        logins = driver.must("login", connections, 16, patience=300)
        opens = driver.must("open", channels, 128, echo.port, patience=120)
        echoes = {}
        for at_once in AT_ONCE:
            rounds = [driver.must("move", 64, at_once, patience=120) for _ in range(ROUNDS)]
            echoes[at_once] = sorted(rounds, key=lambda one: one["p50_ms"])[ROUNDS // 2]
        return {"connections": connections, "channels": channels, "login_s": logins["seconds"],
                "open_s": opens["seconds"], "echoes": echoes}


def attempt(lab, name, what, connections, channels):
    try:
        return measure(lab, name, connections, channels)
    except Failed as failure:  # a number that is not reached is a result
        print(f"{what}: {name}: {failure}", flush=True)
        return {"connections": connections, "channels": channels, "failure": str(failure)}


def compare(lab, what, numbers, wanted):
    """numbers: server -> (connections, channels); wanted: what aditd should have had of them."""
    found = {name: attempt(lab, name, what, *numbers[name]) for name in SERVERS}
    whole = "failure" not in found["aditd"]
    line(what, *[max(numbers[name]) for name in SERVERS], "", whole and max(numbers["aditd"]) >= wanted,
         f">= {wanted}", digits=0)
    cells = [{"what": what, "wanted": wanted, "found": found, "met": whole and max(numbers["aditd"]) >= wanted}]
    for key, label in (("login_s", "  logins"), ("open_s", "  channels")):
        line(label, *[found[name].get(key) for name in SERVERS], "s", digits=2)
    for at_once in AT_ONCE:
        times = [found[name]["echoes"][at_once]["p50_ms"] if "echoes" in found[name] else None for name in SERVERS]
        met = times[1] is not None and times[1] <= LIMIT_MS
        line(f"  64 bytes there and back, {at_once} at a time", *times, "ms", met, f"<= {LIMIT_MS} ms", digits=2)
        cells.append({"what": f"{what}, {at_once} at a time", "p50_ms": dict(zip(SERVERS, times)), "met": met})
    return cells


def run(lab, args):
    connections, hard = fit(500 if args.quick else 5000, 1)
    channels, _ = fit(1000 if args.quick else 10000, 1)
    head("at the same time")
    print(f"(at most {hard} descriptors for a process)", flush=True)
    few = 20 if args.quick else 200
    cells = compare(lab, "connections with a channel", {"sshd": (few, few), "aditd": (connections, connections)},
                    500 if args.quick else 5000)
    return cells + compare(lab, "channels on one connection", {"sshd": (1, 200), "aditd": (1, channels)},
                           1000 if args.quick else 10000)
