"""Memory of a server for each idle connection: proportional memory of all its processes, less what they had before.

After the logins; with an open channel; after a megabyte each way through each; after the channels are closed.
"""
from lab import SERVERS
from programs import Programs, settled_kib
from report import head, line

NAME = "B7"
ABOUT = "memory of an idle connection, before and after a burst"
LIMIT_KIB = 40
TIMES_SSHD = 50
BURST = 1 << 20
SETTLE = 10  # seconds, at most


def stages(driver, port, number):
    """What happens, and then what memory is called."""
    yield "idle", lambda: driver.must("login", number, 16, patience=300)
    yield "with a channel", lambda: driver.must("open", number, 64, port, patience=60)
    yield "after 1 MiB each way", lambda: driver.must("move", BURST, 16, patience=300)
    yield "channel closed", lambda: driver.must("close", 64, patience=60)


def measure(lab, name, number):
    with Programs() as programs:
        server, echo = lab.server(programs, name), programs.load("echo", 0)
        # It is there before, because it shares pages of the libraries with the server.
        driver = programs.many(server.port, lab.user, lab.key)
        before, found = settled_kib(server.pid, SETTLE), {"connections": number}
        for stage, happen in stages(driver, echo.port, number):
            happen()
            found[stage] = (settled_kib(server.pid, SETTLE) - before) / number
        return found


def run(lab, args):
    numbers = {"sshd": 20 if args.quick else 100, "aditd": 500 if args.quick else 2000}
    head("memory of a connection at the server")
    found = {name: measure(lab, name, numbers[name]) for name in SERVERS}
    cells = []
    for stage in found["aditd"]:
        sshd, aditd = (found[name][stage] for name in SERVERS)
        if stage == "connections":
            line("connections", sshd, aditd, "", digits=0)
            continue
        met = aditd <= LIMIT_KIB and aditd * TIMES_SSHD <= sshd if stage == "idle" else aditd <= LIMIT_KIB
        target = f"<= {LIMIT_KIB} KiB" + (f", 1/{TIMES_SSHD}" if stage == "idle" else "")
        line(stage, sshd, aditd, "KiB", met, target)
        cells.append({"stage": stage, "connections": numbers, "kib": {"sshd": sshd, "aditd": aditd}, "met": met})
    return cells
