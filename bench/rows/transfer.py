"""Not a row: moving data for a time through something, and the same until nobody has disturbed it."""
from programs import Failed, Programs, answer, cpu_seconds, family_cpu_seconds, free_port, load_program, \
    machine_ticks, said, wait_for_port

STEAL = 0.01  # a run that lost more of the machine than this is repeated, twice at most


def transfer(programs, port_of, to_sink, times):
    """Moves data to a sink, or from a source, behind the port that port_of(target) gives, with the client."""
    load = load_program()
    if to_sink:
        sink = programs.load("-w", times.warm, "sink", 0)
        port, client = port_of(sink.port)
        before = cpu_seconds(client.pid) if client else 0
        sender = programs.start([load, "send", "127.0.0.1", port, f"{times.seconds}s"], stdout=-1)
        answer(sender)
        result = answer(sink)
        while result["bytes"] == 0:  # a look whether the port is there
            result = answer(sink)
    else:
        source = programs.load("source", 0, f"{times.seconds}s")
        port, client = port_of(source.port)
        before = cpu_seconds(client.pid) if client else 0
        result = answer(programs.start([load, "-w", times.warm, "recv", "127.0.0.1", port], stdout=-1))
    result["cpu"] = cpu_seconds(client.pid) - before if client else 0
    if result["broken"] or result["mb_s"] == 0:
        raise Failed(f"the transfer broke: {result}; the client: {said(client) if client else 'none'}")
    return result


def measure(lab, client_name, server, cell, times):
    """One run of one client against one server."""
    cipher, forward, direction = cell

    with Programs() as programs:
        def through_client(target):
            port = free_port()
            client = programs.start(lab.client(client_name, server.port, cipher, forward,
                                               f"127.0.0.1:{port}:127.0.0.1:{target}"))
            wait_for_port(port, client)
            return port, client

        stolen, ticks = machine_ticks()
        before = family_cpu_seconds(server.pid)
        # -L enters at the client: sending there is up. -R enters at the server: sending there is down.
        result = transfer(programs, through_client, (forward == "-L") == (direction == "up"), times)
        after, server_cpu = machine_ticks(), family_cpu_seconds(server.pid) - before
    return {
        "mb_s": result["mb_s"], "cpu_s_per_gb": result["cpu"] / result["bytes"] * 1e9,
        "server_cpu_s_per_gb": server_cpu / result["bytes"] * 1e9, "bytes": result["bytes"],
        "steal": (after[0] - stolen) / max(1, after[1] - ticks),
    }


def measure_undisturbed(*args):
    runs = []
    while len(runs) < 3 and (not runs or runs[-1]["steal"] > STEAL):
        runs.append(measure(*args))
    return min(runs, key=lambda run: run["steal"])


def direct(times):
    """What the generator and the sink do alone."""
    with Programs() as programs:
        return transfer(programs, lambda target: (target, None), True, times)["mb_s"]
