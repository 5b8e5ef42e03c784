"""The handler `http` against servers that are slow, wrong or hostile."""

import unittest

from http_support import HttpTest


class BadServers(HttpTest):
    def assert_fails(self, route, pattern, keys="", consumer="", outcome="failed"):
        server = self.serve(page=route)
        _, errors, counts = self.ask(server.url("page"), keys=keys, consumer=consumer)
        self.assertEqual(counts[outcome], 1)
        self.assertRegex(errors[0], pattern)
        return server

    def test_a_slow_server_meets_the_limits_of_time(self):
        def silent(request, connection):
            connection.wait_for_end()
            return False

        def trickle(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
            return silent(request, connection)
        for route in (silent, trickle):
            self.assert_fails(route, "no answer in time", keys="request_timeout: 200ms,")
            self.assert_fails(route, "no answer within 200ms", consumer="timeout: 200ms", outcome="timeout")

    def test_a_reset_is_a_failure(self):
        def reset(request, connection):
            connection.reset()
            return False

        def half(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Le")
            return False
        server = self.assert_fails(reset, "Connection reset by peer|closed by the other side")
        self.assertEqual(server.connections, 1)
        self.assert_fails(half, "closed by the other side within the answer")

    def test_a_server_that_lies_about_lengths(self):
        def short(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
            return False

        def chunk(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
            return False

        def garbage(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")
            return False

        def twice(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
            return False
        for route in (short, chunk):
            self.assert_fails(route, "closed by the other side within the answer")
        for route in (garbage, twice):
            self.assert_fails(route, "the answer is not HTTP")

    def test_bytes_behind_an_answer_never_become_the_next_answer(self):
        def more(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
                            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        server = self.serve(page=more)
        printed, errors, counts = self.ask(server.url("page"), range(5))
        self.assertEqual((printed, errors, server.connections), (["good"] * 5, [], 5))

    def test_a_response_without_end_is_cut_off(self):
        endless = b"x" * (1 << 20)

        def flood(start, piece=endless):
            def route(request, connection):
                connection.send(b"HTTP/1.1 200 OK\r\n" + start)
                for _ in range(100_000):
                    connection.send(piece)
            return route
        chunked = b"Transfer-Encoding: chunked\r\n\r\n"
        for start, piece in ((b"Content-Length: 99999999999\r\n\r\n", endless),
                             (chunked, b"100000\r\n" + endless + b"\r\n"),
                             (b"\r\n", endless)):
            self.assert_fails(flood(start, piece), "the answer is longer than 1048576 bytes")
        self.assert_fails(flood(b"", b"X-Long: " + endless + b"\r\n"), "the answer is not HTTP: header limit exceeded")
        for start in (b"5;name=", b"0\r\nX-Trailer: "):
            self.assert_fails(flood(chunked + start), "the answer is not HTTP: a line within the body is too long")

    def test_answers_in_all_forms_are_read(self):
        def chunked(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                            b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")

        def until_the_end(request, connection):
            connection.send(b"HTTP/1.0 200 OK\r\n\r\nall of it")
            return False

        def interim(request, connection):
            connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
            connection.reply(200, b"after hints")
        server = self.serve(chunked=chunked, end=until_the_end, interim=interim)
        printed, errors, _ = self.ask(server.url("${body}"), ("chunked", "end", "interim", "chunked"))
        self.assertEqual((printed, errors), (["abcde", "all of it", "after hints", "abcde"], []))
        self.assertEqual(server.connections, 2)

    def test_what_is_no_http_is_refused(self):
        def hello(request, connection):
            connection.send(b"220 smtp.example.com ESMTP\r\n")
            return False
        self.assert_fails(hello, "the answer is not HTTP")

    def test_a_host_without_a_server_or_an_address_is_a_failure(self):
        server = self.serve()
        server.close()
        _, errors, counts = self.ask(server.url("page"))
        self.assertEqual(errors, [f"127.0.0.1:{server.port}: Connection refused"])
        _, errors, counts = self.ask("http://nowhere.invalid/")
        self.assertEqual(counts["failed"], 1)
        self.assertIn("nowhere.invalid: ", errors[0])

    def test_a_drain_ends_requests_that_do_not_end(self):
        def silent(request, connection):
            connection.wait_for_end()
            return False
        server = self.serve(page=silent)
        settings = self.write(
            "daemon: { http: off, drain_timeout: 100ms }\nqueues: { work: {} }\n"
            "producers: { p: { kind: list, queue: work, items: [1, 2, 3] } }\n"
            f"consumers: {{ ask: {{ queue: work, handler: http, concurrency: 3, url: \"{server.url('page')}\" }} }}\n")
        daemon = self.daemon(settings)
        daemon.started()
        server.wait_for_requests(3)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(daemon.entries("drained")[0]["ready_again"], 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
