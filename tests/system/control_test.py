"""The control API and its client against the built daemon. Every answer is checked against deploy/openapi.yaml."""

import grp
import json
import os
import signal
import socket
import stat
import subprocess
import time
import unittest

from beanstalk_wire import Wire, put
from control_support import MILLRACE, ControlTest
from support import PATIENCE, run

CONNECTIONS_MAX = 64  # daemon/control/api.hpp


class Admission(ControlTest):

    def permissions(self):
        return stat.S_IMODE(os.stat(self.socket).st_mode)

    def test_only_the_user_of_the_daemon_may_connect_by_default(self):
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.start()
        self.assertEqual(self.permissions(), 0o600)

    def test_mode_and_group_of_the_socket_are_those_of_the_settings(self):
        group = grp.getgrgid(os.getgroups()[0] if os.geteuid() != 0 else 4)
        self.start(daemon=f"  control_mode: 0660\n  control_group: {group.gr_name}\n")
        self.assertEqual((self.permissions(), os.stat(self.socket).st_gid), (0o660, group.gr_gid))

    @unittest.skipIf(os.geteuid() != 0, "only root can become another user")
    def test_another_user_is_refused_by_the_mode(self):
        self.start()
        os.chmod(self.folder, 0o755)
        nobody = 65534
        child = os.fork()
        if child == 0:
            os.setgid(nobody)
            os.setuid(nobody)
            try:
                with socket.socket(socket.AF_UNIX) as stranger:
                    stranger.connect(self.socket)
            except PermissionError:
                os._exit(13)
            os._exit(0)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 13)

    def test_a_group_that_does_not_exist_is_an_error_of_the_start(self):
        settings = self.write("daemon: { http: off, control: unix:control.sock, control_group: no-such-group }\n")
        ended = run("--config", settings)
        self.assertEqual(ended.returncode, 3)
        self.assertIn("control_group: there is no group 'no-such-group'", ended.stderr)

    def test_the_metrics_listener_does_not_serve_the_control_api(self):
        settings = self.write("daemon: { http: 127.0.0.1:0, control: unix:control.sock }\n")
        daemon = self.daemon(settings).started()
        self.assertEqual(daemon.get("/v1/status")[0], 404)
        self.assert_refused(404, "no_such_path", self.get("/metrics"))

    def test_the_file_of_the_socket_is_gone_after_the_end(self):
        daemon = self.start()
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        self.assertFalse(os.path.exists(self.socket))


class Status(ControlTest):

    def test_status_describes_the_daemon(self):
        daemon = self.start("queues: { mail: {} }\n", daemon="  data_dir: data\n")
        status = self.expect(200, self.get("/v1/status"))
        self.assertEqual((status["state"], status["ready"], status["problem"]), ("running", True, None))
        self.assertIn(status["version"], run("--version").stdout.split())
        self.assertEqual(status["pid"], daemon.process.pid)
        self.assertEqual(status["settings_file"], os.path.join(self.folder, "settings.yaml"))
        self.assertEqual([one["name"] for one in status["listeners"]], ["beanstalk", "control"])
        self.assertEqual(status["listeners"][1]["address"], "unix:" + self.socket)
        self.assertEqual((status["store"]["data_dir"], status["store"]["state"]),
                         (os.path.join(self.folder, "data"), "ok"))
        self.assertEqual(status["queues"], 2)

    def test_names_of_files_that_are_not_utf_8_are_shown_as_text(self):
        folder = os.path.join(self.folder, os.fsdecode(b"\xff"))
        os.mkdir(folder)
        settings = os.path.join(folder, "settings.yaml")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(f"daemon: {{ http: off, data_dir: data, control: 'unix:{self.socket}' }}\n")
        self.daemon(settings).started()
        status = self.expect(200, self.get("/v1/status"))
        self.assertEqual(status["settings_file"], os.path.join(self.folder, "\ufffd", "settings.yaml"))
        self.assertEqual(status["store"]["data_dir"], os.path.join(self.folder, "\ufffd", "data"))

    def test_queues_in_memory_have_no_store(self):
        self.start()
        self.assertIsNone(self.expect(200, self.get("/v1/status"))["store"])

    def test_a_daemon_that_refuses_puts_is_not_ready(self):
        daemon = self.start()
        daemon.signal(signal.SIGUSR1)
        daemon.wait_for("refusing_puts")
        status = self.expect(200, self.get("/v1/status"))
        self.assertEqual((status["state"], status["ready"], status["problem"]),
                         ("running", False, "refusing puts: SIGUSR1"))

    def test_tasks_are_listed_up_to_a_limit(self):
        self.start()
        content = self.expect(200, self.get("/v1/tasks"))
        self.assertEqual(content["total"], len(content["tasks"]))
        self.assertIn("control listener", [task["name"] for task in content["tasks"]])
        self.assertNotIn("progress", content["tasks"][0])
        creators = {task["name"]: task["created_by"] for task in content["tasks"]}
        self.assertIsNone(creators["lifecycle"])
        self.assertEqual(creators["signals"], "lifecycle")
        self.assertRegex(self.client("tasks").stdout, r"(?m)^signals +\S+ +\d+ +lifecycle ")
        cut = self.expect(200, self.get("/v1/tasks?limit=1"))
        self.assertEqual((len(cut["tasks"]), cut["total"]), (1, content["total"]))

    def test_the_progress_of_a_job_in_a_worker_is_shown(self):
        script = """while read -r job; do echo '{"id": 1, "progress": "half of it"}'; read -r no_more; done"""
        self.start("queues: { q: {} }\nproducers: { p: { kind: list, queue: q, items: [a] } }\n"
                   "consumers: { c: { queue: q, handler: worker, command: [sh, -c, %s] } }\n" % json.dumps(script))
        ends = time.monotonic() + PATIENCE
        shown = []
        while not shown:
            self.assertLess(time.monotonic(), ends)
            tasks = self.expect(200, self.get("/v1/tasks"))["tasks"]
            shown = [task for task in tasks if "progress" in task]
        self.assertEqual([(task["name"], task["waits_for"], task["progress"]) for task in shown],
                         [("c#1", "a worker", "half of it")])
        self.assertRegex(self.client("tasks").stdout, r"(?m)^c#1 .* a worker: half of it$")


class BadRequests(ControlTest):

    def setUp(self):
        super().setUp()
        self.start()

    def test_unknown_paths_and_methods_are_errors_in_json(self):
        for target in ("/v1", "/v1/", "/v1/nothing", "/v1/status/", "/metrics"):
            self.assert_refused(404, "no_such_path", self.get(target))
        self.assert_refused(405, "no_such_method", self.post("/v1/status"))
        self.assert_refused(405, "no_such_method", self.ask("DELETE", "/v1/tasks"))

    def test_a_query_that_means_nothing_names_its_part(self):
        self.assert_refused(400, "unknown_key", self.get("/v1/status?verbose=1"), "query.verbose")
        for limit in ("0", "10001", "", "1x", "-1", "99999999999999999999"):
            self.assert_refused(400, "invalid_value", self.get("/v1/tasks?limit=" + limit), "query.limit")
        self.assert_refused(400, "invalid_value", self.get("/v1/tasks?limit=1&limit=2"), "query.limit")
        self.assert_refused(400, "invalid_value", self.get("/v1/tasks?limit=%zz"), "query")

    def test_a_request_that_is_no_http_is_answered_in_json(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.socket)
            client.sendall(b"nonsense\r\n\r\n")
            head, body = client.makefile("rb").read().split(b"\r\n\r\n")
        self.assertIn(b" 400 ", head)
        self.assertEqual(json.loads(body)["error"]["code"], "bad_request")

    def test_a_body_that_is_too_long_is_refused(self):
        self.assert_refused(413, "body_too_large", self.ask("POST", "/v1/status", b" " * 1_100_000))


class Clients(ControlTest):

    def test_clients_that_stall_hold_nobody(self):
        self.start()
        stalled = []
        for sent in (b"", b"G", b"GET /v1/status HTTP/1.1\r\n", b"POST /v1/status HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Length: 100\r\n\r\n{"):
            for _ in range(5):
                client = socket.socket(socket.AF_UNIX)
                self.addCleanup(client.close)
                client.connect(self.socket)
                client.sendall(sent)
                stalled.append(client)
        status = self.expect(200, self.get("/v1/status"))
        self.assertEqual(status["listeners"][1]["connections"], len(stalled) + 1)

    def test_clients_that_stall_at_the_limit_are_cut_off_and_the_next_one_is_answered(self):
        self.start()
        for _ in range(CONNECTIONS_MAX):
            client = socket.socket(socket.AF_UNIX)
            self.addCleanup(client.close)
            client.connect(self.socket)
            client.sendall(b"G")
        status = self.expect(200, self.get("/v1/status"))
        self.assertLessEqual(status["listeners"][1]["connections"], CONNECTIONS_MAX)


class Program(ControlTest):
    """The program millrace."""

    def test_status_is_a_table_for_people_and_json_for_programs(self):
        daemon = self.start(daemon="  data_dir: data\n")
        shown = self.client("status")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertIn(f"process {daemon.process.pid}", shown.stdout)
        self.assertRegex(shown.stdout, r"(?m)^state +running, ready$")
        shown = self.client("status", "--json")
        self.assertEqual(json.loads(shown.stdout)["pid"], daemon.process.pid)

    def test_the_exit_status_says_whether_the_daemon_is_ready(self):
        daemon = self.start()
        daemon.signal(signal.SIGUSR1)
        daemon.wait_for("refusing_puts")
        shown = self.client("status")
        self.assertEqual(shown.returncode, 1)
        self.assertIn("not ready: refusing puts: SIGUSR1", shown.stdout)

    def test_without_a_daemon_the_exit_status_is_3(self):
        ended = self.client("status")
        self.assertEqual((ended.returncode, ended.stdout), (3, ""))
        self.assertIn(f"{self.socket}: No such file or directory", ended.stderr)

    def test_tasks_are_a_table(self):
        self.start()
        shown = self.client("tasks")
        self.assertEqual(shown.returncode, 0)
        self.assertRegex(shown.stdout, r"^TASK +AGE +TURNS +CREATED BY +JOB +JOB AGE +WAITS FOR\n")
        self.assertRegex(shown.stdout, r"(?m)^lifecycle +.* the end$")

    def test_tasks_are_listed_again_and_again_until_the_daemon_ends(self):
        daemon = self.start()
        words = [MILLRACE, "tasks", "--watch", "--control", "unix:" + self.socket]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
            self.addCleanup(watching.kill)
            lists = 0
            while lists < 2:
                line = watching.stdout.readline()
                self.assertNotEqual(line, "")
                lists += line.startswith("TASK ")
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)
            watching.stdout.read()
            self.assertEqual(watching.wait(PATIENCE), 3)

    def test_a_job_with_a_name_is_in_the_list_of_tasks_while_it_runs(self):
        self.start("queues: { naps: {} }\n"
                   "producers: { naps: { kind: list, queue: naps, items: ['{\"name\": \"afternoon nap\"}'] } }\n"
                   "consumers: { sleeper: { queue: naps, handler: sleep, length: 1h, job_name: '${json:/name}' } }\n")
        jobs, ends = {}, time.monotonic() + PATIENCE
        while not jobs and time.monotonic() < ends:
            tasks = self.expect(200, self.get("/v1/tasks"))["tasks"]
            jobs = {task["name"]: task["job"]["name"] for task in tasks if "job" in task}
        self.assertEqual(jobs, {"sleeper#1": "afternoon nap"})
        self.assertRegex(self.client("tasks").stdout, r"(?m)^sleeper#1 .* afternoon nap +\S+ +sleep$")

    def test_queues_jobs_and_actions_are_tables(self):
        self.start("queues: { mail: {}, 'a/b': {} }\n")
        with Wire(self.beanstalk) as client:
            client.send(b"use mail\r\n" + put(b"hello") + put(b"later", delay=1000))
            for _ in range(3):
                client.line()
        shown = self.client("queues")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertRegex(shown.stdout, r"(?m)^mail +1 +0 +1 +0 ")
        self.assertRegex(self.client("queue", "mail").stdout, r"(?m)^delayed +1 ")
        self.assertIn("queue a/b", self.client("queue", "a/b").stdout)
        job = self.client("job", "1", "--body")
        self.assertRegex(job.stdout, r"(?m)^state +ready$")
        self.assertTrue(job.stdout.endswith("\nhello\n"), job.stdout)
        self.assertIn("until it is resumed", self.client("pause", "mail").stdout)
        self.assertRegex(self.client("pause", "mail", "--for", "1h").stdout, "paused +for another [0-9]+[hm] ")
        self.assertRegex(self.client("resume", "mail").stdout, "paused +no")
        self.assertIn("kick of mail: done, 1 of 1 jobs", self.client("kick", "mail").stdout)
        purged = self.client("purge", "mail", "--state", "ready,delayed", "--json")
        self.assertEqual((purged.returncode, json.loads(purged.stdout)["done"]), (0, 2))
        self.assertRegex(self.client("actions").stdout, r"(?m)^ *2 +purge +mail +done +2 +2 ")
        self.assertIn("settings applied", self.client("reload").stdout)

    def test_a_refusal_of_the_daemon_is_an_error_with_1(self):
        self.start()
        for words, reason in ((["queue", "nobody"], "There is no queue `nobody`."), (["job", "7"], "no such job"),
                              (["pause", "default", "--for", "soon"], "a duration"),
                              (["purge", "default", "--state", "reserved"], "one of ready, delayed, buried")):
            ended = self.client(*words)
            self.assertEqual((ended.returncode, ended.stdout), (1, ""), ended)
            self.assertIn(reason, ended.stderr)

    def test_a_reload_that_is_not_applied_ends_with_1(self):
        self.start()
        self.write("daemon: {}\nqueues: { mail: { max_job: 1 } }\n")
        ended = self.client("reload")
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stdout, r"settings invalid\n2:\d+: queues.mail.max_job: ")

    def test_wrong_words_are_refused_with_2(self):
        for words in (["status", "now"], ["status", "--verbose"], ["tasks", "--json=maybe"], ["queue"],
                      ["purge", "mail"]):
            ended = self.client(*words)
            self.assertEqual((ended.returncode, ended.stdout), (2, ""), ended)
            self.assertIn("millrace " + words[0], ended.stderr)
        self.assertEqual(self.client("status", address="nowhere").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
