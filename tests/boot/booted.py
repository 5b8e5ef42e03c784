"""A Debian that runs systemd as its first process, in a container over a copy-on-write view of this machine's root.

Needs root, systemd-nspawn and an overlay file system; `missing()` says what is not there.
"""

import os
import select
import shutil
import socket
import subprocess
import tempfile
import time

PATIENCE = 90
SYSTEMD = "/lib/systemd/systemd"


def missing():
    """Why no container can be booted here; empty when one can."""
    if os.geteuid() != 0:
        return "it needs root"
    if shutil.which("systemd-nspawn") is None or not os.path.exists(SYSTEMD):
        return "systemd or systemd-nspawn is not installed"
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["unshare", "--mount", "sh", "-euc", MOUNT, folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        return f"no overlay of the root can be mounted: {mounted.stderr.strip()}"
    return ""


MOUNT = """
    mount -t tmpfs tmpfs "$0"
    mkdir "$0/upper" "$0/work" "$0/root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
"""


class NotBooted(Exception):
    """The container did not come up; nothing of the project had a part in it."""


class Machine:
    """`files` maps a path in the container to a path here; they are copied before it boots. Ends with `stop`."""

    def __init__(self, files):
        self.folder = tempfile.mkdtemp()
        self.log = open(os.path.join(self.folder, "console"), "w+b")
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify = os.path.join(self.folder, "notify")
        self.notices.bind(notify)
        copies = "".join(f'install -D -m {os.stat(source).st_mode & 0o777:o} "{source}" "$0/root{target}"\n'
                         for target, source in files.items())
        # The units of this machine are not started, and the container gets an identity of its own.
        script = MOUNT + copies + """
            rm -rf "$0"/root/etc/systemd/system/*.wants "$0"/root/var/log/journal "$0"/root/usr/sbin/policy-rc.d
            systemd-id128 new > "$0/root/etc/machine-id"  # without one systemd enables every unit at its first boot
            exec systemd-nspawn --quiet --directory="$0/root" --register=no --keep-unit --private-network \
                --notify-ready=yes --console=read-only --boot systemd.unit=basic.target
        """
        mounts = os.path.join(self.folder, "mounts")
        os.mkdir(mounts)
        self.process = subprocess.Popen(["unshare", "--mount", "sh", "-euc", script, mounts],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
                                        env=dict(os.environ, NOTIFY_SOCKET=notify))
        self.leader = ""
        self.until_booted()

    def until_booted(self):
        """systemd-nspawn says which process is the first of the container, and when systemd there has started."""
        ends = time.monotonic() + PATIENCE
        with open(os.pidfd_open(self.process.pid)) as ended:
            while self.notices in select.select([self.notices, ended], [], [], max(0, ends - time.monotonic()))[0]:
                notice = dict(line.split("=", 1) for line in self.notices.recv(4096).decode().splitlines())
                self.leader = notice.get("X_NSPAWN_LEADER_PID", self.leader)
                if "READY" in notice:
                    self.notices.close()  # nobody reads further notices, which would fill it and block systemd
                    return
        self.log.seek(0)
        printed = self.log.read().decode(errors="replace")
        self.stop()
        raise NotBooted("the container did not boot:\n" + printed)

    def run(self, *words, check=False):
        """A command in the container."""
        ended = subprocess.run(["nsenter", "-t", self.leader, "-a", *words], capture_output=True, text=True,
                               timeout=PATIENCE)
        if check and ended.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: {ended.returncode}\n{ended.stdout}{ended.stderr}")
        return ended

    def stop(self):
        if self.leader:
            self.process.terminate()  # the container shuts down
        else:
            self.process.kill()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.notices.close()
        shutil.rmtree(self.folder, ignore_errors=True)
