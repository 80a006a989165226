"""The real binary as a child process, on a port and data folder of its own.

The binary's path comes from the variable SERVER_UNDER_TEST.
"""

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest

START_TIMEOUT_SECONDS = 30


class Server:
    """A server that can be killed and started again on the same data."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = tempfile.mkdtemp(prefix="parlor-clients-")
        self.log = tempfile.TemporaryFile()
        self.child = None
        self.run()

    def run(self):
        binary = os.environ["SERVER_UNDER_TEST"]
        listen = f"127.0.0.1:{self.port}"
        command = [binary, "serve", "--dev", "--listen", listen, "--data", self.data]
        self.child = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self.ready():
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server is not ready; it printed:\n{self.printed()}")
            time.sleep(0.01)

    def ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=1) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def printed(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def restart(self):
        """Kill with SIGKILL and start again."""
        self.end()
        self.run()

    def end(self):
        self.child.kill()
        self.child.wait()


def free_port():
    """A free port outside the range for outgoing connections, so that no client that tries again
    can be connected to itself."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


@pytest.fixture
def server():
    server = Server()
    yield server
    server.end()
    server.log.close()
    shutil.rmtree(server.data, ignore_errors=True)
