"""The requests of the handler `http`, and what it makes of the responses."""

import json
import os
import unittest
from email.utils import formatdate

from http_support import HttpTest
from support import CONFIG


class Requests(HttpTest):
    def test_a_request_is_made_of_the_job_and_the_response_is_the_result(self):
        def echo(request, connection):
            received = {"method": request.method, "target": request.target, "body": request.body.decode(),
                        "type": request.headers.get("content-type"), "agent": request.headers["user-agent"],
                        "host": request.headers["host"]}
            connection.reply(200, json.dumps(received).encode())
        server = self.serve(echo=echo)
        printed, errors, counts = self.ask(
            server.url("echo/${json:/id}?q=${json:/q}"), [json.dumps({"id": "a/b c", "q": "1&admin=1"})],
            'method: POST, headers: ["Content-Type: application/${json:/type|json}"], content: "<${json:/id}>",')
        self.assertEqual(errors, [])
        self.assertEqual(counts["ok"], 1)
        self.assertEqual(json.loads(printed[0]), {
            "method": "POST", "target": "/echo/a%2Fb%20c?q=1%26admin%3D1", "body": "<a/b c>",
            "type": "application/json", "agent": "millrace", "host": f"127.0.0.1:{server.port}"})

    def test_put_sends_the_body_of_the_job_and_get_sends_none(self):
        server = self.serve(echo=lambda request, connection: connection.reply(
            200, request.method.encode() + b" " + request.body))
        self.assertEqual(self.ask(server.url("echo"), keys="method: PUT,")[0], ["PUT x"])
        self.assertEqual(self.ask(server.url("echo"))[0], ["GET "])

    def test_a_url_may_come_from_the_job(self):
        server = self.serve(page=lambda request, connection: connection.reply(200, b"here"))
        printed, errors, _ = self.ask("${body}", [server.url("page"), "ftp://127.0.0.1/x", "http://127.0.0.1:0/"])
        self.assertEqual(printed, ["here"])
        self.assertEqual(len(errors), 2)
        self.assertIn("the URL does not begin with http:// or https://", errors[0])

    def test_a_header_from_a_job_cannot_add_another_header(self):
        server = self.serve(page=lambda request, connection: connection.reply(200))
        _, errors, counts = self.ask(server.url("page"), ["a\r\nX-Admin: 1"], 'headers: ["X-Name: ${body}"],',
                                     queue="retry: { attempts: 3, first: 1ms }")
        self.assertEqual(errors, ["the header `X-Name` has a line break or another control character"])
        self.assertEqual((counts["failed"], counts["retried"]), (1, 0))
        self.assertEqual(server.requests, [])

    def test_connections_are_kept_and_limited(self):
        server = self.serve(page=lambda request, connection: connection.reply(200, b"%d" % connection.number))
        printed, errors, counts = self.ask(server.url("page"), range(1000),
                                           "connections_per_host: 10,", "concurrency: 100")
        self.assertEqual((errors, counts["ok"], len(printed)), ([], 1000, 1000))
        self.assertLessEqual(server.connections, 10)
        self.assertLessEqual({int(number) for number in printed}, set(range(1, 11)))

    def test_a_consumer_opens_no_more_connections_than_it_has_slots(self):
        server = self.serve(page=lambda request, connection: connection.reply(200, b"page"))
        printed, errors, counts = self.ask(server.url("page"), range(1000), consumer="concurrency: 100")
        self.assertEqual((errors, counts["ok"], len(printed)), ([], 1000, 1000))
        self.assertLessEqual(server.connections, 100)

    def test_a_kept_connection_that_the_server_closes_costs_no_job(self):
        def once(request, connection):
            connection.reply(200, b"once")
            return False  # without saying so
        server = self.serve(page=once)
        _, errors, counts = self.ask(server.url("page"), range(50))
        self.assertEqual((errors, counts["ok"], server.connections), ([], 50, 50))

    def test_a_request_is_repeated_once_where_that_is_safe(self):
        # The second request of a connection gets no answer.
        def second_fails(request, connection):
            if getattr(connection, "used", False):
                connection.reset()
                return False
            connection.used = True
            connection.reply(200, b"done")
            return True
        server = self.serve(page=second_fails)
        _, errors, counts = self.ask(server.url("page"), range(4))
        self.assertEqual((errors, counts["ok"]), ([], 4))
        _, errors, counts = self.ask(server.url("page"), range(2), "method: POST,")
        self.assertEqual((len(errors), counts["ok"], counts["failed"]), (1, 1, 1))


class Statuses(HttpTest):
    def test_a_status_decides_about_the_job(self):
        server = self.serve(**{str(status): lambda request, connection: connection.reply(
            int(request.target[1:4]), b"why\n\x1b[31m" + b"." * 1000 if request.target[1] > "3" else b"")
            for status in (204, 304, 400, 404, 500, 502)})
        for status, outcome, retried in ((204, "ok", 0), (304, "failed", 0), (400, "failed", 0), (404, "failed", 0),
                                         (500, "failed", 2), (502, "failed", 2)):
            with self.subTest(status):
                _, errors, counts = self.ask(server.url(f"{status}?secret"),
                                             queue="retry: { attempts: 3, first: 1ms }")
                self.assertEqual((counts[outcome], counts["retried"]), (1, retried))
                for error in errors:
                    self.assertTrue(error.startswith(f"GET {server.url()}{status}: {status}"), error)
                    self.assertEqual(": why" in error, status >= 400, error)
                    self.assertLess(len(error), 300)
                    self.assertNotIn("secret", error)
                    self.assertNotIn("\x1b", error)

    def test_429_and_503_come_again_later(self):
        answers = {
            "seconds": (429, ["Retry-After: 1"]), "date": (503, [f"Date: {formatdate(1e9, usegmt=True)}",
                                                                f"Retry-After: {formatdate(1e9 + 1, usegmt=True)}"]),
            "bounded": (503, ["Retry-After: 99999999999999999999"]), "none": (429, []),
            "garbage": (429, ["Retry-After: soon"]),
        }
        asked = set()

        def busy(request, connection):
            name = request.target[1:]
            if name in asked:
                return connection.reply(200, name.encode())
            asked.add(name)
            status, headers = answers[name]
            return connection.reply(status, b"", *headers)
        server = self.serve(**{name: busy for name in answers})
        printed, errors, counts = self.ask(server.url("${body}"), answers, "later_after: 1ms, later_max: 2s,",
                                           "concurrency: 5", queue="retry: { attempts: 1 }")
        self.assertEqual((sorted(printed), errors), (sorted(answers), []))
        self.assertEqual((counts["ok"], counts["failed"]), (5, 0))
        self.assertEqual(len(server.requests), 10)


class Redirects(HttpTest):
    def test_the_http_handler_follows_redirects(self):
        def move(request, connection):
            connection.reply(302, b"", "Location: ../page?x=1#y")
        server = self.serve(old=move, page=lambda request, connection: connection.reply(
            200, f"{request.method} {request.target} {request.body.decode()}".encode()))
        self.assertEqual(self.ask(server.url("old/one"))[0], ["GET /page?x=1 "])
        self.assertEqual(self.ask(server.url("old/one"), keys="method: POST,")[0], ["GET /page?x=1 "])
        self.assertEqual(self.ask(server.url("old/one"), keys="method: PUT,")[0], ["PUT /page?x=1 x"])

    def test_redirects_without_end_fail_the_job_at_the_limit(self):
        server = self.serve(on=lambda request, connection: connection.reply(307, b"", f"Location: {request.target}a"))
        _, errors, counts = self.ask(server.url("on/"), keys="redirects: 3,", queue="retry: { attempts: 3 }")
        self.assertEqual(len(errors), 1)
        self.assertIn("redirected more than 3 times", errors[0])
        self.assertEqual((counts["failed"], len(server.requests)), (1, 4))

    def test_headers_do_not_go_to_another_host(self):
        other = self.serve(page=lambda request, connection: connection.reply(
            200, str("authorization" in request.headers).encode()))
        server = self.serve(old=lambda request, connection: connection.reply(
            307, b"", f"Location: {other.url('page')}"))
        self.assertEqual(self.ask(server.url("old"), keys='headers: ["Authorization: Bearer secret"],')[0], ["False"])


class Example(HttpTest):
    def test_the_example_delivers_its_events(self):
        server = self.serve(**{name: lambda request, connection: connection.reply(200) for name in ("paid", "sent")})
        with open(os.path.join(CONFIG, "webhooks.yaml"), encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(text.count("127.0.0.1:8080"), 2)
        settings = self.settings(text.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}"))
        self.assertEqual(self.finish(settings), [])
        self.assertEqual(
            sorted((r.method, r.target, r.headers["content-type"], r.headers["x-delivery"], json.loads(r.body)["order"])
                   for r in server.requests),
            [("POST", "/paid", "application/json", "1", 17), ("POST", "/sent", "application/json", "2", 18)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
