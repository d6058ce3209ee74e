"""A path with delay and jitter, packet by packet, between two network namespaces.

Owns the namespaces and the relay between them: two TUN devices whose packets it holds for the delay,
a random one for each packet, keeping the order within each connection, as a network does that
balances by flow. It works on IP packets, so segmentation and acknowledgements are the kernel's and
real; the kernel of many machines has no netem. Needs root; `available` tells.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLIENT, SERVER = "10.77.0.1", "10.77.0.2"
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_SPIN = 0.000_2


def available() -> bool:
    """Whether this process may make namespaces and TUN devices."""
    return os.geteuid() == 0 and Path("/dev/net/tun").exists()


@contextmanager
def relayed(delay: float, jitter: float) -> Iterator[tuple[list[str], list[str]]]:
    """Two namespaces with `delay` ± `jitter` seconds each way; gives the commands to enter them.

    The client's comes first.
    """
    names = [f"deadheat-{side}-{os.getpid()}" for side in ("client", "server")]
    try:
        for name in names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        command = [sys.executable, __file__, *names, str(delay), str(jitter)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            try:
                if child.stdout is None or child.stdout.readline() != b"ready\n":
                    raise RuntimeError("the relay did not start")
                yield tuple(["ip", "netns", "exec", name] for name in names)  # type: ignore[misc]
            finally:
                child.kill()
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _tun(device: str, namespace: str, address: str, peer: str) -> int:
    """Make a TUN device (MTU 1500, no offloads: the kernel segments) and give it to a namespace."""
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TUN | _IFF_NO_PI))
    _ip("link", "set", device, "netns", namespace)
    _ip("-n", namespace, "addr", "add", address, "peer", peer, "dev", device)
    _ip("-n", namespace, "link", "set", device, "up", "txqueuelen", "2000")
    return handle


def _flow(packet: bytes) -> bytes:
    """Addresses and ports."""
    header = (packet[0] & 15) * 4
    return packet[12:20] + packet[header : header + 4]


def _relay(client: str, server: str, delay: float, jitter: float) -> None:
    ends = [
        _tun(f"dhc{os.getpid()}", client, CLIENT, SERVER),
        _tun(f"dhs{os.getpid()}", server, SERVER, CLIENT),
    ]
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    chance = random.Random(0)
    last: dict[bytes, float] = {}
    queue: list[tuple[float, int, int, bytes]] = []
    number = 0
    print("ready", flush=True)
    while True:
        wait = max(0.0, queue[0][0] - time.monotonic() - _SPIN) if queue else 1.0
        for handle in select.select(ends, [], [], wait)[0]:
            while True:
                try:
                    packet = os.read(handle, 2_048)
                except BlockingIOError:
                    break
                if packet[0] >> 4 != 4:
                    continue
                flow = _flow(packet)
                due = max(time.monotonic() + delay + chance.uniform(-jitter, jitter), last.get(flow, 0.0))
                last[flow] = due
                number += 1
                heapq.heappush(queue, (due, number, other[handle], packet))
        while queue and queue[0][0] <= time.monotonic():
            _, _, handle, packet = heapq.heappop(queue)
            os.write(handle, packet)


if __name__ == "__main__":
    _relay(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
