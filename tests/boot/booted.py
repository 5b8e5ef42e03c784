"""A Debian that runs systemd as its first process, in a container over a copy-on-write view of this machine's root.

Needs root, systemd-nspawn and an overlay file system; `missing()` says what is not there.
"""

import os
import shutil
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
        copies = "".join(f'install -D -m {os.stat(source).st_mode & 0o777:o} "{source}" "$0/root{target}"\n'
                         for target, source in files.items())
        # The units of this machine are not started, and the container gets an identity of its own.
        script = MOUNT + copies + """
            rm -rf "$0"/root/etc/systemd/system/*.wants "$0"/root/var/log/journal "$0"/root/usr/sbin/policy-rc.d
            systemd-id128 new > "$0/root/etc/machine-id"  # without one systemd enables every unit at its first boot
            exec systemd-nspawn --quiet --directory="$0/root" --register=no --keep-unit --private-network \
                --console=read-only --boot systemd.unit=basic.target
        """
        mounts = os.path.join(self.folder, "mounts")
        os.mkdir(mounts)
        self.process = subprocess.Popen(["unshare", "--mount", "sh", "-euc", script, mounts],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.leader = ""
        self.until_booted()

    def until_booted(self):
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            if self.process.poll() is not None:
                break
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
                self.leader = children.read().split(" ")[0]
            if self.leader and self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"):
                return
            time.sleep(0.1)
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
        if self.process.poll() is None and self.leader:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
