"""A Debian that systemd boots under the kernel of the package user-mode-linux, which runs as a process.

That kernel has control groups v2, whatever this machine has. The Debian is a copy-on-write view of this machine's root.
Needs root, user-mode-linux, systemd and an overlay file system; `missing()` says what is not there.
"""

import json
import os
import shutil
import subprocess
import tempfile

import booted

KERNEL = "linux.uml"
# A boot takes 15 s on a machine that does nothing else.
PATIENCE = 300

TRIAL_UNIT = """
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /root/trial.py
ExecStopPost=/bin/systemctl poweroff --force --force
"""

SCRIPT = booted.MOUNT + """
    root="$0/root"
    rm -rf "$root"/etc/systemd/system/*.wants "$root"/var/log/journal "$root"/.dockerenv
    systemd-id128 new > "$root/etc/machine-id"  # without one systemd enables every unit at its first boot
    cp -a "$1/." "$root"
    wants="$root/etc/systemd/system/multi-user.target.wants"
    mkdir -p "$wants"
    ln -s ../trial.service "$wants/trial.service"
    timeout "$2" linux.uml mem=768M root=/dev/root rootfstype=hostfs "rootflags=$root" rw init=/lib/systemd/systemd \\
        con=null con0=null,fd:1 < /dev/null >&2 || true
    cat "$root/root/results.json"
"""


def missing():
    """Why no Debian can be booted here; empty when one can."""
    if shutil.which(KERNEL) is None:
        return "user-mode-linux is not installed"
    if reason := booted.missing():
        return reason
    ended = subprocess.run([KERNEL, "--showconfig"], capture_output=True, text=True)
    return "" if ended.returncode == 0 else f"user-mode-linux does not run here: {ended.stderr.strip()}"


def run_trial(files, trial):
    """Boots with `files` (path -> text), runs the Python program `trial`, and returns what it has written to
    /root/results.json."""
    with tempfile.TemporaryDirectory() as folder:
        tree = os.path.join(folder, "tree")
        files = files | {"/root/trial.py": trial, "/etc/systemd/system/trial.service": TRIAL_UNIT}
        for path, text in files.items():
            place = tree + path
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if isinstance(text, str):
                with open(place, "w", encoding="utf-8") as file:
                    file.write(text)
            else:
                shutil.copy(text, place)
        mounts = os.path.join(folder, "mounts")
        os.mkdir(mounts)
        ended = subprocess.run(["unshare", "--mount", "sh", "-euc", SCRIPT, mounts, tree, str(PATIENCE)],
                               capture_output=True, text=True, errors="replace")
        if ended.returncode != 0:
            raise AssertionError(f"the trial has no results\n{ended.stderr}")
        return json.loads(ended.stdout)
