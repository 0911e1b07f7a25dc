"""Logins per second: connect, full key exchange, public key, the end; the same driver for each server."""
from lab import SERVERS
from programs import Programs, family_cpu_seconds
from report import head, line, summary

NAME = "B6"
ABOUT = "logins per second, 1 and 16 at a time, and CPU of the server"
TARGET = 20
AT_ONCE = [1, 16]
SECONDS = 3  # about so long for one run


def churn(driver, number, at_once):
    return driver.must("churn", number, at_once, patience=120)


def measure(server, driver, at_once):
    trial = churn(driver, 2 * at_once, at_once)  # says how many fit into the time
    number = max(4 * at_once, int(trial["done"] / trial["seconds"] * SECONDS))
    before = family_cpu_seconds(server.pid)
    result = churn(driver, number, at_once)
    return {"logins": number, "per_s": number / result["seconds"], "p50_ms": result["p50_ms"],
            "p99_ms": result["p99_ms"],
            "server_cpu_ms": (family_cpu_seconds(server.pid) - before) / number * 1000}


def conclude(at_once, runs):
    cell = {"at_once": at_once, "runs": runs}
    for key in ("per_s", "server_cpu_ms", "p50_ms"):
        cell[key] = {name: summary([run[key] for run in runs[name]]) for name in SERVERS}
        cell[key]["ratio"] = cell[key]["aditd"]["median"] / max(1e-9, cell[key]["sshd"]["median"])
    cell["met"] = cell["per_s"]["ratio"] >= TARGET if at_once == 16 else None
    return cell


def print_cell(cell):
    def both(key):
        return [cell[key][name]["median"] for name in SERVERS]

    n = cell["at_once"]
    line(f"logins, {n} at a time", *both("per_s"), "/s", cell["met"], f">= {TARGET} times" if n == 16 else "")
    line("  CPU of the server for each", *both("server_cpu_ms"), "ms", digits=3)
    line("  time of each, median", *both("p50_ms"), "ms", digits=2)


def run(lab, args):
    head("curve25519-sha256, ssh-ed25519, public key")
    results = []
    with Programs() as programs:
        servers = {name: lab.server(programs, name) for name in SERVERS}
        drivers = {name: programs.many(servers[name].port, lab.user, lab.key) for name in SERVERS}
        for at_once in AT_ONCE:
            runs = {name: [] for name in SERVERS}
            for turn in range(args.rounds):
                for name in sorted(SERVERS, reverse=turn % 2 == 0):
                    runs[name].append(measure(servers[name], drivers[name], at_once))
            results.append(conclude(at_once, runs))
            print_cell(results[-1])
    return results
