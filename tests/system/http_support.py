"""A consumer with the handler `http`, and servers for it."""

import json

from support import DaemonTest
from web_server import WebServer


class HttpTest(DaemonTest):
    def serve(self, context=None, **routes):
        server = WebServer(routes, context)
        self.addCleanup(server.close)
        return server

    def ask(self, url, items=("x",), keys="", consumer="", queue=""):
        """The bodies of the results, the errors in the log, and the counts of the consumer."""
        settings = self.settings(
            f"queues: {{ work: {{ {queue} }}, results: {{}} }}\n"
            f"producers: {{ p: {{ kind: list, queue: work, items: {json.dumps(list(items))} }} }}\n"
            f"consumers:\n"
            f"  ask: {{ queue: work, handler: http, output: results, url: {json.dumps(url)}, {keys} {consumer} }}\n"
            f"  show: {{ queue: results, handler: print }}\n")
        daemon = self.daemon(settings, "--until-idle", "--summary", "json")
        printed = daemon.printed.rest()
        self.status = daemon.wait()
        lines = daemon.log.rest()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        errors = [entry["message"] for entry in entries if entry.get("event") == "job_failed"]
        self.assertIn("consumers", entries[-1], "\n".join(lines))
        return printed, errors, entries[-1]["consumers"]["ask"]
