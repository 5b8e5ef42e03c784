"""The handler `http` under TLS, which must not be broken in any way."""

import os
import shutil
import ssl
import tempfile
import unittest

from http_support import HttpTest
from web_server import Certificates


class Tls(HttpTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.certificates = Certificates(folder.name)
        cls.good = cls.certificates.make("good", "127.0.0.1")

    def page(self, file, **limits):
        return self.serve(self.certificates.context(file, **limits),
                          page=lambda request, connection: connection.reply(200, b"secure"))

    def ask_securely(self, url, items=("x",), keys=""):
        return self.ask(url, items, f"ca_file: {self.certificates.authority}, {keys}")

    def test_a_valid_certificate_is_accepted_and_the_connection_kept(self):
        server = self.page(self.good)
        printed, errors, _ = self.ask_securely(server.url("page"), range(20))
        self.assertEqual((printed, errors, server.connections), (["secure"] * 20, [], 1))

    def test_paths_are_relative_to_the_settings_and_may_name_variables(self):
        server = self.page(self.good)
        shutil.copy(self.certificates.authority, os.path.join(self.folder, "trusted.pem"))
        os.environ["MILLRACE_TEST_TRUSTED"] = "trusted"
        self.addCleanup(os.environ.pop, "MILLRACE_TEST_TRUSTED")
        for path in ("trusted.pem", "${MILLRACE_TEST_TRUSTED}.pem"):
            self.assertEqual(self.ask(server.url("page"), keys=f'ca_file: "{path}",')[:2], (["secure"], []))

    def test_a_name_is_checked_as_well_as_an_address(self):
        named = self.certificates.make("named", "localhost")
        server = self.page(named)
        self.assertEqual(self.ask_securely(server.url("page", "localhost"))[0], ["secure"])
        self.assert_refused(self.ask_securely(server.url("page")), "IP address mismatch")

    def assert_refused(self, ended, reason):
        printed, errors, counts = ended
        self.assertEqual((printed, counts["failed"]), ([], 1))
        self.assertIn(reason, errors[0].replace("self signed", "self-signed"))

    def test_certificates_that_are_not_valid_are_refused(self):
        make = self.certificates.make
        for reason, file in (("certificate has expired", make("old", "127.0.0.1", expired=True)),
                             ("IP address mismatch", make("other", "127.0.0.2")),
                             ("self-signed certificate", make("self", "127.0.0.1", self_signed=True))):
            with self.subTest(reason):
                server = self.page(file)
                self.assert_refused(self.ask_securely(server.url("page")), reason)
                self.assertEqual(server.requests, [])

    def test_an_authority_that_the_system_does_not_know_is_refused(self):
        server = self.page(self.good)
        self.assert_refused(self.ask(server.url("page")), "unable to get local issuer certificate")

    def test_old_versions_of_tls_are_refused(self):
        context = self.certificates.context(self.good)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        server = self.serve(context, page=lambda request, connection: connection.reply(200, b"old"))
        self.assert_refused(self.ask_securely(server.url("page")), "TLS: ")

    def test_tls_1_2_is_accepted(self):
        server = self.page(self.good, maximum_version=ssl.TLSVersion.TLSv1_2)
        self.assertEqual(self.ask_securely(server.url("page"), range(3))[0], ["secure"] * 3)

    def test_an_answer_without_a_length_needs_the_end_of_tls(self):
        def cut(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
            return False  # Python closes the socket without the end of TLS

        def whole(request, connection):
            connection.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
            connection.stream.unwrap()
            return False
        server = self.serve(self.certificates.context(self.good), cut=cut, whole=whole)
        self.assertEqual(self.ask_securely(server.url("whole"))[0], ["all of it"])
        self.assert_refused(self.ask_securely(server.url("cut")), "without the end of TLS")

    def test_a_server_that_speaks_no_tls_is_refused(self):
        server = self.serve(page=lambda request, connection: connection.reply(200))
        self.assert_refused(self.ask_securely(server.url("page").replace("http:", "https:")), ": ")

    def test_a_redirect_to_https_trusts_whom_the_system_trusts(self):
        server = self.page(self.good)
        plain = self.serve(old=lambda request, connection: connection.reply(
            301, b"", f"Location: {server.url('page')}"))
        self.assert_refused(self.ask(plain.url("old")), "unable to get local issuer certificate")
        os.environ["SSL_CERT_FILE"] = self.certificates.authority
        self.addCleanup(os.environ.pop, "SSL_CERT_FILE")
        self.assertEqual(self.ask(plain.url("old"), range(3))[0], ["secure"] * 3)

    def test_https_is_never_left_by_a_redirect(self):
        plain = self.serve(page=lambda request, connection: connection.reply(200, b"plain"))
        server = self.serve(self.certificates.context(self.good), old=lambda request, connection: connection.reply(
            301, b"", f"Location: {plain.url('page')}"))
        self.assert_refused(self.ask_securely(server.url("old")), "redirected from https to http")
        self.assertEqual(plain.connections, 0)

    def test_a_server_may_ask_for_the_certificate_of_the_client(self):
        context = self.certificates.context(self.good)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.certificates.authority)
        server = self.serve(context, page=lambda request, connection: connection.reply(200, b"known"))
        client = self.certificates.make("client", "client.example")
        self.assertEqual(self.ask_securely(server.url("page"), keys=f"certificate_file: {client},")[0], ["known"])
        self.assert_refused(self.ask_securely(server.url("page")), ": ")

    def test_a_file_that_cannot_be_read_is_an_error_of_the_start(self):
        settings = self.settings(
            "queues: { work: {} }\nconsumers: { ask: { queue: work, handler: http, url: \"https://127.0.0.1/\", "
            "ca_file: nowhere.pem } }\n")
        daemon = self.daemon(settings)
        self.assertNotEqual(daemon.wait(), 0)
        self.assertIn("nowhere.pem: ", "\n".join(daemon.log.rest()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
