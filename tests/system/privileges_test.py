"""`-u`: the daemon becomes another user before it creates files, and a later start as that user can use them."""

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

from beanstalk_wire import Wire, put
from support import MILLRACED, PATIENCE, Lines, parsed

NOBODY = "nobody"
# The first takes no right away. The second would take away the owner's right to write.
UMASKS = (0o000, 0o277)


@unittest.skipIf(os.getuid() != 0, "only root can become another user")
class Privileges(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.chmod(self.folder, 0o755)
        self.nobody = pwd.getpwnam(NOBODY)

    def start(self, *words, umask=0o022, user=None):
        """Starts a daemon. Returns its process, its log and the address for clients."""
        process = subprocess.Popen(
            [self.program(user), *words, "--log-format", "json"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            umask=umask, user=user, group=user and self.nobody.pw_gid, extra_groups=[] if user else None)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        log = Lines(process.stderr)
        while (line := log.next()) is not None:
            entry = parsed(line)
            if entry and entry["event"] == "started":
                return process, log, entry["beanstalk"]
        self.fail("\n".join(log.all))

    def program(self, user):
        """The daemon's program. Another user gets a copy, because the build folder may be closed to that user."""
        if user is None:
            return MILLRACED
        copy = os.path.join(self.folder, "millraced")
        if not os.path.exists(copy):
            shutil.copy(MILLRACED, copy)
        return copy

    def run_daemon(self, *words):
        return subprocess.run([MILLRACED, *words], capture_output=True, text=True, timeout=PATIENCE, check=False)

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 0)

    def ask(self, address, request, answer):
        port = int(address.rsplit(":", 1)[1])
        with Wire(("127.0.0.1", port)) as wire:
            wire.ask(request, answer)

    def assert_private(self, data):
        """The directory and all files in it belong to the user, and nobody else may use them."""
        self.assertEqual(stat.S_IMODE(os.stat(data).st_mode), 0o700)
        names = sorted(os.listdir(data))
        for name in ("millrace.ballast", "millrace.db", "millrace.db-wal", "millrace.lock"):
            self.assertIn(name, names)
        for path in (data, *(os.path.join(data, name) for name in names)):
            facts = os.stat(path)
            self.assertEqual((facts.st_uid, facts.st_gid), (self.nobody.pw_uid, self.nobody.pw_gid), path)
            if path != data:
                self.assertEqual(stat.S_IMODE(facts.st_mode), 0o600, path)

    def test_every_file_is_owned_by_the_user_and_private_whatever_the_umask(self):
        for umask in UMASKS:
            with self.subTest(oct(umask)):
                data = os.path.join(self.folder, f"data-{umask:o}")
                process, log, address = self.start("-l", "127.0.0.1", "-p", "0", "-u", NOBODY, "-b", data, umask=umask)
                self.ask(address, put(b"kept"), b"INSERTED 1\r\n")
                self.assert_private(data)
                self.stop(process)
                created = [entry for entry in map(parsed, log.rest()) if entry and entry["event"] == "data_dir_created"]
                self.assertEqual([(entry["data_dir"], entry["owner"]) for entry in created], [(data, NOBODY)])
                process, log, address = self.start("-l", "127.0.0.1", "-p", "0", "-b", data, user=NOBODY)
                self.ask(address, b"reserve\r\ndelete 1\r\n", b"RESERVED 1 4\r\nkept\r\nDELETED\r\n")
                self.stop(process)
                self.assertNotIn("no_ballast", "\n".join(log.rest()))

    def test_without_another_user_files_are_private_as_well(self):
        data = os.path.join(self.folder, "data")
        process, _, address = self.start("-l", "127.0.0.1", "-p", "0", "-b", data, umask=0)
        self.ask(address, put(b"kept"), b"INSERTED 1\r\n")
        for name in os.listdir(data):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(data, name)).st_mode), 0o600, name)
        self.assertEqual(stat.S_IMODE(os.stat(data).st_mode), 0o700)
        self.stop(process)

    def test_a_directory_that_the_user_may_create_is_created_by_the_user(self):
        home = os.path.join(self.folder, "home")
        os.mkdir(home)
        os.chown(home, self.nobody.pw_uid, self.nobody.pw_gid)
        data = os.path.join(home, "data")
        process, log, address = self.start("-l", "127.0.0.1", "-p", "0", "-u", NOBODY, "-b", data)
        self.ask(address, put(b"kept"), b"INSERTED 1\r\n")
        self.assert_private(data)
        self.stop(process)
        self.assertNotIn("data_dir_created", "\n".join(log.rest()))

    def test_the_daemon_has_the_groups_of_the_user_and_cannot_become_root_again(self):
        process, _, _ = self.start("-l", "127.0.0.1", "-p", "0", "-u", NOBODY)
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            facts = dict(line.rstrip("\n").split(":", 1) for line in file)
        self.assertEqual(set(facts["Uid"].split()), {str(self.nobody.pw_uid)})
        self.assertEqual(set(facts["Gid"].split()), {str(self.nobody.pw_gid)})
        groups = os.getgrouplist(NOBODY, self.nobody.pw_gid)
        self.assertEqual(set(facts["Groups"].split()), {str(group) for group in groups})
        self.assertEqual(int(facts["CapEff"], 16) | int(facts["CapPrm"], 16), 0)
        self.stop(process)

    def test_a_privileged_port_is_bound_before_the_rights_are_given_up(self):
        for port in range(1023, 900, -1):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                    break
                except OSError:
                    continue
        else:
            self.fail("each port from 901 to 1023 is in use")
        process, _, address = self.start("-l", "127.0.0.1", "-p", str(port), "-u", NOBODY)
        self.assertEqual(address, f"127.0.0.1:{port}")
        self.ask(address, put(b"x"), b"INSERTED 1\r\n")
        self.stop(process)

    def test_a_unix_socket_belongs_to_the_user_where_the_user_may_bind_and_to_root_elsewhere(self):
        shared = os.path.join(self.folder, "shared")
        os.mkdir(shared)
        os.chmod(shared, 0o1777)
        for folder, owner in ((shared, self.nobody.pw_uid), (self.folder, 0)):
            with self.subTest(folder):
                path = os.path.join(folder, "socket")
                for _ in range(2):  # a socket that root bound stays, and the next start replaces it
                    process, _, _ = self.start("-l", "unix:" + path, "-u", NOBODY)
                    self.assertEqual(os.stat(path).st_uid, owner)
                    with Wire(path) as wire:
                        wire.ask(put(b"x"), b"INSERTED 1\r\n")
                    self.stop(process)
                self.assertEqual(os.path.exists(path), owner == 0)

    def test_an_unknown_user_is_refused_before_anything_is_created(self):
        data = os.path.join(self.folder, "data")
        ended = self.run_daemon("-p", "0", "-u", "nobody-of-that-name", "-b", data)
        self.assertEqual(ended.stderr, "millraced: -u: there is no user 'nobody-of-that-name'\n")
        self.assertEqual(ended.returncode, 2)
        self.assertFalse(os.path.exists(data))

    def test_only_root_can_become_another_user(self):
        ended = subprocess.run([self.program(NOBODY), "-p", "0", "-u", "root"], capture_output=True, text=True,
                               timeout=PATIENCE, user=NOBODY, group=self.nobody.pw_gid, extra_groups=[], check=False)
        self.assertEqual(ended.returncode, 3, ended)
        self.assertIn("-u: cannot become 'root': only root can become another user", ended.stderr)

    def test_a_directory_of_another_user_is_refused_and_the_message_names_its_owner(self):
        data = os.path.join(self.folder, "data")
        os.mkdir(data, 0o700)
        ended = self.run_daemon("-p", "0", "-u", NOBODY, "-b", data)
        self.assertEqual(ended.returncode, 3, ended)
        uid = self.nobody.pw_uid
        self.assertIn(f"Permission denied (it belongs to user 0, this process is user {uid})", ended.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
