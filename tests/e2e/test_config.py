"""adit -G against ssh -G: the same configuration must mean the same, keyword by keyword."""
import os
import re
import shutil
import socket
import subprocess

import pytest

from lab.client import ADIT

SSH = shutil.which("ssh")
pytestmark = pytest.mark.skipif(not SSH, reason="there is no ssh to compare with")

# Keywords whose default is another one on purpose. Once a configuration says something, both must say the same.
OTHER_DEFAULT = {
    "serveraliveinterval": "a tunnel that is dead should not look alive: 15 seconds instead of never",
    "ipqos": "as OpenSSH since 10.1: traffic without a terminal is not marked",
    "identityfile": "no DSA, XMSS and token keys",
    "hashknownhosts": "Debian's ssh_config says yes",
}
# Debian's ssh changes this default with BatchMode.
WITH_BATCH_MODE = {"serveraliveinterval": ["300"]}
# Keywords that ssh does not have.
OWN = {"cryptobackend"}
# Lists of what the program has: compared over the names that both have.
ALGORITHMS = {"ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms",
              "casignaturealgorithms"}
# Keywords that mean nothing here or that are refused when they ask for something; -G does not have to show them.
NOT_SHOWN = set("""addkeystoagent canonicaldomains canonicalizefallbacklocal canonicalizemaxdots canonicalizehostname
    canonicalizepermittedcnames checkhostip controlmaster controlpath controlpersist enableescapecommandline
    enablesshkeysign escapechar fingerprinthash forwardagent forwardx11 forwardx11timeout forwardx11trusted
    gssapiauthentication gssapiclientidentity gssapidelegatecredentials gssapikexalgorithms gssapikeyexchange
    gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns hostbasedacceptedalgorithms hostbasedauthentication
    kbdinteractivedevices knownhostscommand localcommand logverbose pkcs11provider proxyusefdpass remotecommand
    requesttty securitykeyprovider sendenv setenv syslogfacility tunneldevice verifyhostkeydns visualhostkey
    xauthlocation dynamicforward obscurekeystroketiming channeltimeout versionaddendum warnweakcrypto""".split())

# Values: one line each, set alone.
LINES = [
    "Port 2222", "Port=2222", "Port = 2222", "port\t=\t2222", '  PORT "2222"  ', "Port 1", "Port 65535",
    "User someone", 'User "some one"', "User some\\ one", "User 'some one'", "User=a=b",
    "HostName real.example.com", "HostName %h.example.com", "HostName 192.0.2.7", "HostName ::1",
    "HostName REAL.Example",
    "HostName %%h", "HostName fe80::1%%eth0",
    "AddressFamily inet", "AddressFamily INET6", "AddressFamily any", "BatchMode yes", "BatchMode TRUE", "BatchMode no",
    "BindAddress 127.0.0.1", "BindInterface lo", "ClearAllForwardings yes", "Compression yes",
    "ConnectionAttempts 5", "ConnectTimeout 10", "ConnectTimeout 1h30m", "ConnectTimeout none", "ConnectTimeout 0",
    "ConnectTimeout 1w2D3h4M5s", "ConnectTimeout 1h30", "ExitOnForwardFailure yes",
    "GatewayPorts yes", "GlobalKnownHostsFile /a /b", 'GlobalKnownHostsFile "/a b" /c', "GlobalKnownHostsFile none",
    "HashKnownHosts yes", "HashKnownHosts no", "HostKeyAlias other", "IdentitiesOnly yes",
    "IdentityAgent none", "IdentityAgent SSH_AUTH_SOCK", "IdentityAgent $OTHER_SOCK", "IdentityAgent ~/agent",
    "IdentityAgent %d/agent.%r.%p", "IdentityAgent ${SOME_VARIABLE}/x",
    "IdentityFile ~/.ssh/work", "IdentityFile %d/%r_%h", "IdentityFile none", 'IdentityFile "/a b/c"',
    "CertificateFile ~/.ssh/work-cert.pub", "IgnoreUnknown Foo*,bar", "IPQoS lowdelay throughput", "IPQoS af21",
    "IPQoS cs1 none", "IPQoS 0x20 8", "IPQoS EF",
    "KbdInteractiveAuthentication no", "ChallengeResponseAuthentication no", "PasswordAuthentication no",
    "LogLevel QUIET", "LogLevel debug", "LogLevel DEBUG1", "LogLevel debug3", "LogLevel VERBOSE", "LogLevel fatal",
    "NoHostAuthenticationForLocalhost yes", "NumberOfPasswordPrompts 1", "NumberOfPasswordPrompts 0",
    "PermitRemoteOpen none", "PermitRemoteOpen a:1 [::1]:* *:80", "PreferredAuthentications publickey,password",
    "ProxyCommand none", "ProxyJump none", "PubkeyAuthentication no", "PubkeyAuthentication unbound",
    "PubkeyAuthentication host-bound", "RekeyLimit 1G", "RekeyLimit 500M 1h", "RekeyLimit default 30m",
    "RekeyLimit 1k none", "RekeyLimit default none", "RekeyLimit 0 0", "RequiredRSASize 3072",
    "RevokedHostKeys /etc/revoked",
    "ServerAliveCountMax 7", "ServerAliveInterval 60", "ServerAliveInterval 0", "ServerAliveInterval 2m",
    "SessionType none", "SessionType subsystem", "StdinNull yes", "StreamLocalBindMask 0117", "StreamLocalBindMask 77",
    "StreamLocalBindUnlink yes", "StrictHostKeyChecking yes", "StrictHostKeyChecking off",
    "StrictHostKeyChecking accept-new", "StrictHostKeyChecking ask", "TCPKeepAlive no", "KeepAlive no",
    "UpdateHostKeys ask", "UpdateHostKeys no", "UserKnownHostsFile ~/.ssh/known_hosts", "UserKnownHostsFile /dev/null",
    "UserKnownHostsFile /a/%h_%p_%r ~/%n %d/%u.%i.%L.%l.%k.%%", "UserKnownHostsFile ${SOME_VARIABLE}/%C",
    "UserKnownHostsFile ~/.ssh/%C", "PermitLocalCommand no", "Tunnel no",
    "LocalForward 8080 host:80", "LocalForward 127.0.0.1:8080 host:80", "LocalForward *:8080 host:80",
    "LocalForward :8080 host:80", "LocalForward [::1]:8080 [fe80::1]:80", "LocalForward 8080 [2001:db8::1]:80",
    "LocalForward 8080 /tmp/sock", "LocalForward /tmp/a /tmp/b", "LocalForward /tmp/a host:80",
    "LocalForward host.name:8080 /tmp/x", "LocalForward /tmp/%u.%p /run/%h.${SOME_VARIABLE}",
    "LocalForward=8080 host:80", "LocalForward localhost:8080 localhost:80",
    "RemoteForward 8080 host:80", "RemoteForward 0 host:80", "RemoteForward *:8080 host:80", "RemoteForward 8080",
    "RemoteForward 127.0.0.1:8080", "RemoteForward [::1]:8080", "RemoteForward /tmp/a host:80",
    "RemoteForward 8080 /tmp/b", "RemoteForward /tmp/a /tmp/b", "RemoteForward :0 h:1",
    "Ciphers aes128-gcm@openssh.com", "Ciphers aes256-ctr,chacha20-poly1305@openssh.com",
    "Ciphers +aes256-ctr", "Ciphers -aes*", "Ciphers ^aes256-ctr", "Ciphers ^aes192-ctr,aes128-ctr",
    "MACs hmac-sha2-512", "MACs -*etm*", "MACs ^hmac-sha2-512", "MACs umac-128@openssh.com,hmac-sha2-256",
    "KexAlgorithms ecdh-sha2-nistp521", "KexAlgorithms -ecdh*", "KexAlgorithms +ecdh-sha2-nistp384",
    "KexAlgorithms diffie-hellman-group14-sha256,curve25519-sha256",
    "HostKeyAlgorithms ssh-ed25519", "HostKeyAlgorithms rsa*", "HostKeyAlgorithms -*cert*", "HostKeyAlgorithms ^rsa*",
    "PubkeyAcceptedAlgorithms ecdsa*256", "PubkeyAcceptedKeyTypes ssh-ed25519", "CASignatureAlgorithms ssh-ed25519",
    "ForwardAgent yes", "ForwardX11 yes", "SendEnv LANG LC_*", "VisualHostKey yes", "CheckHostIP yes",
    "RemoteCommand tmux a", "RequestTTY force", "LocalCommand echo hello", "ControlMaster auto", "ControlPath ~/%C",
    "AddKeysToAgent yes", "EscapeChar none", "FingerprintHash md5", "Protocol 2",
]

# Whole files: precedence, blocks, comments, quoting.
FILES = {
    "first wins": "Port 1\nPort 2\nUser a\nUser b\n",
    "background": "ForkAfterAuthentication yes\nSessionType none\n",
    "lists add": "IdentityFile a\nIdentityFile b\nIdentityFile a\nCertificateFile c\nCertificateFile d\n",
    "words do not add": "UserKnownHostsFile a b\nUserKnownHostsFile c\n",
    "forwards add": "LocalForward 1 a:1\nLocalForward 2 b:2\nLocalForward 1 a:1\n",
    "remote forwards add": "RemoteForward 0 x:1\nRemoteForward 0 x:2\n",
    "forwards cleared": "LocalForward 1 a:1\nRemoteForward 2 b:2\nClearAllForwardings yes\n",
    "comments": "# Port 1\n  # Port 2\nPort 3 # three\nUser a#b\nHostKeyAlias \"a # b\"\n\n\t\n",
    "CR LF": "Port 7\r\nUser a\r\n",
    "form feed": "Port 7 \f\nUser a\n",
    "no last LF": "Port 7\nUser last",
    "Host": "Host foo\nPort 1\nHost HOST\nPort 2\nHost host\nPort 3\nHost *\nPort 4\n",
    "Host patterns": "Host a* h?st\nPort 1\n",
    "Host negated": "Host * !host\nPort 1\nHost * !other\nPort 2\n",
    "Host negated first": "Host !host *\nPort 1\n",
    "Host quoted": 'Host "host"\nPort 1\n',
    "Host =": "Host = host\nPort = 1\n",
    "Host only negated": "Host !other\nPort 1\n",
    "inactive faults aside": "Host other\nPort 1\nUser x\nLocalForward 1 a:1\nHost host\nUser y\n",
    "Match all": "Match all\nPort 1\n",
    "Match not all": "Match !all\nPort 1\nMatch all\nPort 2\n",
    "Match host": "HostName real\nMatch host host\nPort 1\nMatch host real\nPort 2\n",
    "Match host list": "Match host a,b,h*,!x\nPort 2\n",
    "Match host negated in the list": "Match host h*,!host\nPort 2\nMatch host !other,*\nPort 3\n",
    "Match originalhost": "HostName real\nMatch originalhost host\nPort 1\n",
    "Match user": "User u\nMatch user u\nPort 1\nMatch user !u,*\nPort 2\n",
    "Match two": "User u\nMatch user u host host\nPort 1\n",
    "Match two, one fails": "User u\nMatch user u host other\nPort 1\nMatch all\nPort 2\n",
    "Match not": "Match !host other\nPort 1\n",
    "Match quoted": 'Match host "host"\nPort 1\n',
    "Match =": "Match host=host\nPort 1\n",
    "Match exec yes": 'Match exec "test %h = host"\nPort 1\n',
    "Match exec no": 'Match exec "test %h = other"\nPort 1\nMatch !exec false\nPort 2\n',
    "Match exec tokens": 'Match exec "test %n.%p.%r.%u.%% = host.22.$USER_NAME.$USER_NAME.%%"\nPort 1\n',
    "Match exec not run": 'Match host other exec "exit 0"\nPort 1\n',
    "Match final": "HostName real\nMatch final host real\nPort 1\nMatch all\nUser u\n",
    "Match final all": "Match final all\nPort 1\n",
    "Match not final": "Match !final\nPort 1\nMatch all\nPort 2\n",
    "Match final sees the new host": "Host real\nPort 5\nHost host\nHostName real\nMatch final\nUser z\n",
    "Match final, HostName too late": "Match final\nHostName late\nPort 3\n",
    "Match canonical": "Match canonical\nPort 1\nMatch all\nPort 2\n",
    "Match final adds no doubles": "LocalForward 1 a:1\nIdentityFile k\nMatch final\nLocalForward 2 b:2\n",
    "Match one and all": "Match host host all\nPort 1\n", "Match comment": "Match host host # really\nPort 1\n",
    "quotes": "User \"a b\"\nHostKeyAlias 'c d'\nPreferredAuthentications pass\"word\"\n",
    "escapes": "PreferredAuthentications a\\\"b\nHostKeyAlias a\\\\b\nRevokedHostKeys /a\\ b\nBindAddress a\\b\n",
    "IgnoreUnknown": "IgnoreUnknown foo,Bar*\nFoo x\nbarrier y\nPort 4\n",
    "HostName twice": "Host host\nHostName one\nHost *\nHostName two.%h\n",
    "UpdateHostKeys with own file": "UserKnownHostsFile /dev/null\n",
    "UpdateHostKeys with the usual file": "UserKnownHostsFile ~/.ssh/known_hosts\n",
}

# Both must refuse these. ('line' or 'file', what stands in it)
FAULTS = {
    "unknown": "Foo bar\n", "unknown, inactive": "Host other\nFoo bar\n", "no value": "Port\n",
    "empty value": 'User ""\n',
    "two values": "Port 1 2\n", "unknown after the pattern": "IgnoreUnknown bar*\nFoo x\n",
    "port 0": "Port 0\n", "port large": "Port 65536\n", "port hex": "Port 0x10\n", "port sign": "Port -1\n",
    "port exponent": "Port 1e9\n", "number": "ConnectionAttempts x\n", "number sign": "ServerAliveCountMax -1\n",
    "number tail": "NumberOfPasswordPrompts 3x\n", "number overflow": "NumberOfPasswordPrompts 99999999999\n",
    "time": "ConnectTimeout 1x\n", "time empty": "ConnectTimeout m\n", "time sign": "ConnectTimeout -1\n",
    "time overflow": "ConnectTimeout 99999999w\n", "flag": "BatchMode maybe\n", "flag empty": "BatchMode\n",
    "choice": "AddressFamily ipv4\n", "level": "LogLevel LOUD\n", "mask": "StreamLocalBindMask 999\n",
    "rekey": "RekeyLimit 1X\n", "rekey small": "RekeyLimit 5\n", "rekey time": "RekeyLimit 1G soon\n",
    "qos": "IPQoS fast\n", "qos large": "IPQoS 256\n", "cipher": "Ciphers rot13\n",
    "cipher in list": "Ciphers aes128-ctr,x\n",
    "mac": "MACs rot13\n", "kex": "KexAlgorithms x\n", "key": "HostKeyAlgorithms x\n",
    "open quote": 'User "a\n', "open apostrophe": "User 'a\n", "quote in inactive": "Host x\nUser 'a\n",
    "Host without pattern": "Host\n", "Match without criteria": "Match\n", "Match unknown": "Match foo bar\n",
    "Match without argument": "Match host\n", "Match all and more": "Match all host x\n",
    "Match two and all": "Match host x user y all\n", "Match open quote": 'Match host "x\n',
    "forward one word": "LocalForward 8080\n", "forward bad port": "LocalForward 99999 a:1\n",
    "forward no port": "LocalForward 80 host\n", "forward port 0 target": "LocalForward 80 host:0\n",
    "forward v6 bare": "LocalForward 80 ::1:80\n", "forward three words": "LocalForward 80 a:1 b\n",
    "forward bracket": "LocalForward [::1:80 a:1\n", "remote forward empty": "RemoteForward\n",
    "token": "UserKnownHostsFile %z\n", "token at the end": "UserKnownHostsFile a%\n", "host token": "HostName %p\n",
    "variable": "UserKnownHostsFile ${NO_SUCH_VARIABLE_HERE}\n", "variable open": "UserKnownHostsFile ${A\n",
    "permit": "PermitRemoteOpen host\n", "missing include is fine, fault after it": "Include /nonexistent/*\nFoo x\n",
}

COMMAND_LINES = [
    ["-p", "2222", "host"], ["host", "-p", "2222"], ["-p2222", "host"], ["-p", "1", "-p", "2", "host"],
    ["-l", "me", "host"], ["me@host"], ["me@host", "-l", "you"], ["-l", "you", "me@host"], ["a@b@host"],
    ["ssh://host"], ["ssh://me@host"], ["ssh://me@host:2222"],
    ["ssh://a%20b@host/"], ["ssh://me@host:2222", "-p", "1"], ["-p", "1", "ssh://me@host:2222"],
    ["-4", "host"], ["-6", "host"], ["-4", "-6", "host"], ["-46", "host"], ["-b", "127.0.0.1", "host"],
    ["-B", "lo", "host"], ["-C", "host"], ["-f", "-N", "host"], ["-n", "host"], ["-N", "host"], ["-g", "host"], ["-T",
    "host"],
    ["-q", "host"], ["-v", "host"], ["-vv", "host"], ["-vvvv", "host"], ["-q", "-v", "host"], ["-v", "-q", "host"],
    ["-v", "-o", "LogLevel=ERROR", "host"], ["-o", "LogLevel=ERROR", "-v", "host"],
    ["-o", "Port=22", "host"], ["-oPort=23", "host"], ["-o", "Port 24", "host"], ["-o", " Port = 24 ", "host"],
    ["-o", "Port=22", "-p", "9", "host"], ["-p", "9", "-o", "Port=22", "host"],
    ["-o", "BatchMode yes", "-o", "BatchMode no", "host"], ["-c", "aes128-ctr", "host"],
    ["-c", "aes128-ctr", "-o", "Ciphers=aes256-ctr", "host"], ["-o", "Ciphers=aes256-ctr", "-c", "aes128-ctr", "host"],
    ["-m", "hmac-sha2-256", "host"], ["-NfL", "8080:a:80", "host"], ["-axky", "host"], ["-e", "none", "host"],
    ["-L", "8080:a:80", "-L", "8081:b:81", "-R", "0:c:1", "host"], ["-L8080:a:80", "host"],
    ["-L", "127.0.0.1:8080:a:80", "host"], ["-L", ":8080:a:80", "host"], ["-L", "*:8080:a:80", "host"],
    ["-L", "[::1]:8080:[::1]:80", "host"], ["-L", "/tmp/a:/tmp/b", "host"], ["-L", "8080:/tmp/b", "host"],
    ["-L", "127.0.0.1:8080:/tmp/b", "host"], ["-L", "/tmp/a:b:80", "host"], ["-L", "8080:/tmp/b\\:c", "host"],
    ["-L", "/tmp/%u-${SOME_VARIABLE}:/tmp/b", "host"], ["-R", "8080", "host"], ["-R", "*:8080", "host"],
    ["-R", "127.0.0.1:8080", "host"], ["-R", "[::1]:8080", "host"], ["-R", "/tmp/x", "host"],
    ["-R", "/tmp/a:/tmp/b", "host"], ["-R", ":8080:a:80", "host"], ["-R", "0:a:80", "host"],
    ["-L", "1:a:1", "-o", "LocalForward 1 a:1", "host"], ["-L", "1:a:1", "-o", "ClearAllForwardings=yes", "host"],
    ["-o", "HostName=%h.example", "HOST"], ["HOST"], ["Host.Example.COM"], ["::1"], ["FE80::1"], ["192.0.2.1"],
    ["-o", "IgnoreUnknown=Foo", "-o", "Foo=1", "host"], ["--", "host"], ["-i", "/dev/null", "host"],
]

COMMAND_FAULTS = [
    ["host", "-p"], ["-Z", "host"], [], ["-p", "x", "host"], ["-p", "0", "host"], ["-p", "65536", "host"], ["@host"],
    ["-o", "Foo=1", "host"], ["-o", "Port", "host"], ["-o", "Host x", "host"], ["-o", "Match all", "host"],
    ["-o", "Include /x", "host"], ["-c", "rot13", "host"], ["-m", "rot13", "host"], ["-L", "80", "host"], ["-L", "",
    "host"],
    ["-L", "1:2", "host"], ["-L", "x:a:1", "host"], ["-L", "1:a:99999", "host"], 
    ["-L", "1:2:3:4:5", "host"], ["-L", "[::1:1:a:1", "host"], ["-R", "x", "host"], ["-R", "1:a:0", "host"],
    ["-F", "/nonexistent", "host"], ["-w", "x", "host"], ["ssh://host:x"], ["ssh://h%me@host"],
]


def run(program, args):
    env = {"PATH": os.environ["PATH"], "SOME_VARIABLE": "/some where", "OTHER_SOCK": "/o", "HOME": os.environ["HOME"],
           "USER_NAME": subprocess.check_output(["id", "-un"], text=True).strip()}
    return subprocess.run([program, "-G", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env,
                          timeout=30, check=False)


def table(text):
    """keyword -> values, in the order of the lines."""
    values = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        if keyword.lower() not in NOT_SHOWN | OWN:
            values.setdefault(keyword.lower(), []).append(value)
    return values


def dump(program, args):
    result = run(program, args)
    assert result.returncode == 0, f"{program} -G {args}: {result.stderr}"
    return table(result.stdout)


@pytest.fixture(scope="module")
def empty():
    return {program: dump(program, ["-F", "none", "host"]) for program in (SSH, ADIT)}


def names_of(values):
    return values[0].split(",")


def same_algorithms(keyword, theirs, ours, empty):
    """The names that both have; the order of the defaults is another one."""
    known = set(names_of(empty[ADIT][keyword]))
    shared = [name for name in names_of(theirs) if name in known]
    assert set(shared) == set(names_of(ours)), keyword


def is_other_default(keyword, theirs, ours, empty):
    return (keyword in OTHER_DEFAULT and ours == empty[ADIT].get(keyword)
            and theirs in (empty[SSH].get(keyword), WITH_BATCH_MODE.get(keyword)))


def compare(args, empty):
    theirs, ours = dump(SSH, args), dump(ADIT, args)
    for keyword in sorted(theirs.keys() | ours.keys()):
        a, b = theirs.get(keyword), ours.get(keyword)
        if keyword in ALGORITHMS:
            same_algorithms(keyword, a, b, empty)
        elif not is_other_default(keyword, a, b, empty):
            assert b == a, f"{keyword}: adit {b}, ssh {a}"


def test_the_table_of_differences_is_true(empty):
    """Every other default is named, and every name in the table stands for a real one."""
    bare = {program: dump(program, ["host"]) for program in (SSH, ADIT)}
    differing = set()
    for values in (bare, empty):
        differing |= {k for k in values[SSH].keys() | values[ADIT].keys() if values[SSH].get(k) != values[ADIT].get(k)}
    differing -= ALGORITHMS
    assert differing <= set(OTHER_DEFAULT)
    assert set(OTHER_DEFAULT) - differing <= {"hashknownhosts"}


@pytest.mark.parametrize("line", LINES)
def test_line(line, tmp_path, empty):
    path = tmp_path / "config"
    path.write_text(line + "\n")
    compare(["-F", str(path), "host"], empty)


ORDERED = [line for line in LINES
           if line.split()[0].lower() in ALGORITHMS and line.split()[1][0] not in "+-" and "*" not in line]


@pytest.mark.parametrize("line", ORDERED)
def test_algorithm_order(line, tmp_path, empty):
    """What was named, alone or with ^, comes first and in that order."""
    path = tmp_path / "config"
    path.write_text(line + "\n")
    keyword = line.split()[0].lower()
    theirs, ours = (names_of(dump(program, ["-F", str(path), "host"])[keyword]) for program in (SSH, ADIT))
    shared = [name for name in theirs if name in names_of(empty[ADIT][keyword])]
    front = len(line.split()[1].split(","))
    assert shared[:front] == ours[:front]


@pytest.mark.parametrize("name", FILES)
def test_file(name, tmp_path, empty):
    path = tmp_path / "config"
    path.write_bytes(FILES[name].encode())
    compare(["-F", str(path), "host"], empty)


@pytest.mark.parametrize("args", COMMAND_LINES, ids=" ".join)
def test_command_line(args, empty):
    compare(["-F", "none", *args], empty)


SERVICES = [
    ["-L", "imap:host:imap", "host"], ["-L", "127.0.0.1:imap:host:80", "host"], ["-L", "imap:/tmp/s", "host"],
    ["-R", "imap:host:imap", "host"], ["-R", "imap", "host"], ["-R", "*:imap", "host"], ["-p", "imap", "host"],
    ["-o", "Port=ssh", "host"], ["-o", "LocalForward imap host:imap", "host"], ["-o", "RemoteForward imap", "host"],
    ["-o", "PermitRemoteOpen=host:imap *:ssh", "host"],
]
NOT_SERVICES = [
    ["-L", "IMAP:host:80", "host"], ["-L", "tftp:host:80", "host"], ["-L", "80:host:tftp", "host"],
    ["-L", "imap/host/imap", "host"], ["-R", "tftp", "host"], ["-p", "tftp", "host"], ["-p", "SSH", "host"],
    ["-o", "LocalForward tftp host:1", "host"], ["-o", "PermitRemoteOpen=host:tftp", "host"],
]


def has_services():
    try:
        return socket.getservbyname("imap", "tcp") == 143
    except OSError:
        return False


@pytest.mark.skipif(not has_services(), reason="this machine has no /etc/services")
@pytest.mark.parametrize("args", SERVICES, ids=" ".join)
def test_service_names(args, empty):
    compare(["-F", "none", *args], empty)


@pytest.mark.parametrize("args", NOT_SERVICES, ids=" ".join)
def test_names_of_no_service(args):
    """tftp has a port for UDP only; upper case is another name."""
    theirs, ours = run(SSH, ["-F", "none", *args]), run(ADIT, ["-F", "none", *args])
    assert (theirs.returncode, ours.returncode) == (255, 255), f"ssh: {theirs.stderr}adit: {ours.stderr}"
    assert len(ours.stderr.splitlines()) == 1 and ours.stdout == ""


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name, tmp_path):
    path = tmp_path / "config"
    path.write_text(FAULTS[name])
    theirs, ours = run(SSH, ["-F", str(path), "host"]), run(ADIT, ["-F", str(path), "host"])
    assert (theirs.returncode, ours.returncode) == (255, 255), f"ssh: {theirs.stderr}adit: {ours.stderr}"
    assert len(ours.stderr.splitlines()) == 1 and ours.stdout == ""


@pytest.mark.parametrize("name", [n for n in FAULTS if "oken" not in n and "ariable" not in n])
def test_fault_names_file_and_line(name, tmp_path):
    path = tmp_path / "config"
    path.write_text("# one line above\n" + FAULTS[name])
    line = len(FAULTS[name].splitlines()) + 1
    assert re.search(rf"{re.escape(str(path))}:? line {line}: ", run(ADIT, ["-F", str(path), "host"]).stderr)


@pytest.mark.parametrize("args", COMMAND_FAULTS, ids=" ".join)
def test_command_fault(args):
    theirs, ours = run(SSH, args), run(ADIT, args)
    assert (theirs.returncode, ours.returncode) == (255, 255), f"ssh: {theirs.stderr}adit: {ours.stderr}"
    assert len(ours.stderr.splitlines()) == 1 and ours.stdout == ""


@pytest.mark.parametrize("line", ["Foo bar", "BatchMode maybe", "Port 99999999", 'User "a', "Port", "Ciphers foo",
                                  "Host x"])
def test_same_words(line):
    theirs, ours = run(SSH, ["-o", line, "host"]), run(ADIT, ["-o", line, "host"])
    plain = [re.sub(r"^adit: |[:.]", "", result.stderr).strip() for result in (theirs, ours)]
    assert plain[1] == plain[0]


def test_include(tmp_path, empty):
    (tmp_path / "b.conf").write_text("Host host\nPort 7\n")
    (tmp_path / "a.conf").write_text("Host other\nUser nobody\n")
    (tmp_path / "config").write_text(f"Host other\nInclude {tmp_path}/b.conf\nHost *\nInclude {tmp_path}/*.conf\n"
                                     "User somebody\nPort 9\n")
    compare(["-F", str(tmp_path / "config"), "host"], empty)
    assert dump(ADIT, ["-F", str(tmp_path / "config"), "host"])["port"] == ["7"]


@pytest.mark.parametrize("name,text", {
    "loop": "Include {0}/config\n", "fault inside": "Include {0}/fault\n", "writable by others": "Include {0}/open\n",
    "folder": "Include {0}\n",
}.items())
def test_include_fault(name, text, tmp_path):
    (tmp_path / "fault").write_text("Foo x\n")
    (tmp_path / "open").write_text("Port 1\n")
    (tmp_path / "open").chmod(0o666)
    (tmp_path / "config").write_text(text.format(tmp_path))
    for program in (SSH, ADIT):
        assert run(program, ["-F", str(tmp_path / "config"),
        "host"]).returncode == 255 or (program == SSH and name == "folder")


@pytest.mark.parametrize("host", ["a;b", "a b", "-x", "a`b", "$(x)", "a\nb", "a|b", "a'b", 'a"b', "a\\b", "a>b", ""])
def test_host_with_shell_characters(host):
    """OpenSSH has refused these since 9.6 (CVE-2023-51385); older ones take them."""
    result = run(ADIT, ["-F", "none", "--", host])
    assert result.returncode == 255 and result.stdout == ""


@pytest.mark.parametrize("user", ["a;b", "-x", "a`b", "a(b", "a\nb", "a|b", "a'b", 'a"b', "a\\", "a -b"])
def test_user_with_shell_characters(user):
    result = run(ADIT, ["-F", "none", "-l", user, "host"])
    assert result.returncode == 255 and "remote username contains invalid characters" in result.stderr


@pytest.mark.parametrize("line,word", {
    "ProxyCommand nc %h %p": "ProxyCommand", "ProxyJump a": "ProxyJump", "DynamicForward 1080": "DynamicForward",
    "PermitLocalCommand yes": "PermitLocalCommand", "CanonicalizeHostname yes": "CanonicalizeHostname",
    "Tunnel yes": "Tunnel",
}.items())
def test_what_is_not_there_stops(line, word, tmp_path):
    path = tmp_path / "config"
    path.write_text(line + "\n")
    result = subprocess.run([ADIT, "-F", str(path), "-N", "host.invalid"], stdin=subprocess.DEVNULL,
    capture_output=True,
                            text=True, timeout=30, check=False)
    assert result.returncode == 255 and f"{path} line 1: {word} is not supported: " in result.stderr
