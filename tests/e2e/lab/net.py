"""Ports and sockets: which ports are free, who listens or is connected where (from /proc, without connecting)."""
import fcntl
import ipaddress
import random
import socket
import struct
import subprocess
import termios

_given = set()


def free_port():
    """A port that nobody uses on either loopback address, outside the range that outgoing connections take theirs
    from, and never the same one twice."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="utf-8") as text:
        low, high = map(int, text.read().split())
    pool = range(10000, low) if low > 12000 else range(high + 1, 65536) if high < 64000 else range(low, high)
    while True:
        port = random.choice(pool)
        if port not in _given and _bindable(port):
            _given.add(port)
            return port


def _bindable(port):
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        with socket.socket(family) as probe:
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def listeners(port):
    """The addresses that somebody listens on with this port, as a set of strings."""
    found = set()
    for name in ("tcp", "tcp6"):
        with open(f"/proc/net/{name}", encoding="utf-8") as table:
            next(table)
            for line in table:
                fields = line.split()
                address, _, number = fields[1].partition(":")
                if fields[3] == "0A" and int(number, 16) == port:
                    words = [struct.pack("=I", int(address[i:i + 8], 16)) for i in range(0, len(address), 8)]
                    found.add(str(ipaddress.ip_address(b"".join(words))))
    return found


def connections(port):
    """What ss says about the connections to this port, a list of (address they come from, the rest)."""
    lines = subprocess.run(["ss", "-Htno", "--tos", "state", "established", f"dport = :{port}"], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    return [(line.split()[2].rpartition(":")[0], line) for line in lines]


def outward():
    """(interface, IPv4 address) of an interface that is not the loopback; None if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            try:
                flags, = struct.unpack_from("H", fcntl.ioctl(any_socket, 0x8913, request), 16)  # SIOCGIFFLAGS
                address = fcntl.ioctl(any_socket, 0x8915, request)[20:24]  # SIOCGIFADDR
            except OSError:
                continue
            if flags & 1 and not ipaddress.ip_address(address).is_loopback:
                return name, str(ipaddress.ip_address(address))
    return None


def unix_listener(path):
    """Does somebody listen on this unix socket?"""
    with open("/proc/net/unix", encoding="utf-8") as table:
        return any(line.split()[-1] == str(path) and int(line.split()[3], 16) & 0x10000 for line in table)


def connect(address, seconds=20):
    """Connects to ("host", port) or to the path of a unix socket."""
    if isinstance(address, tuple):
        sock = socket.create_connection(address, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(seconds)
    sock.connect(str(address))
    return sock


def reset(sock):
    """Ends a connection by a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def unsent(sock):
    """Bytes that the other side has not acknowledged yet."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]


def waiting(sock):
    """Bytes that have come and were not read yet."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0]


def call(address):
    """Calls somebody and only listens: what came, and how it ended ("end" or "reset")."""
    data = bytearray()
    try:
        with connect(address) as sock:
            while piece := sock.recv(65536):
                data += piece
    except ConnectionResetError:  # it may come as early as the connect()
        return bytes(data), "reset"
    return bytes(data), "end"
