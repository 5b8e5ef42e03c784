"""How a line becomes a command: ends, lengths, words, spaces, numbers, names. Each refused line has no effect and one
answer."""

import unittest

from beanstalk_support import BeanstalkTest, not_beanstalkd
from beanstalk_wire import put

BAD, UNKNOWN = "BAD_FORMAT", "UNKNOWN_COMMAND"
NAME_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+/;.$_()"


class Ends(BeanstalkTest):
    def test_any_cut_of_the_bytes_is_the_same(self):
        wire = self.connect()
        text = b"use t\r\n" + put(b"a\r\nb") + b"peek 1\r\nnonsense\r\nreserve\r\ndelete 1\r\n"
        answer = b"USING t\r\nINSERTED %d\r\nNOT_FOUND\r\nUNKNOWN_COMMAND\r\nRESERVED %d 4\r\na\r\nb\r\nNOT_FOUND\r\n"
        wire.ask(b"watch t\r\n", b"WATCHING 2\r\n")
        wire.ask(put(b"eaten") + b"delete 1\r\n", b"INSERTED 1\r\nDELETED\r\n")
        for number, cut in enumerate(range(len(text) + 1), 2):
            wire.send(text[:cut])
            if cut % 8 == 0:
                self.server.settle()
            wire.send(text[cut:])
            wire.expect(answer % (number, number))

    def test_commands_that_come_a_byte_at_a_time_are_understood(self):
        wire = self.connect()
        for byte in b"use t\r\n" + put(b"hello\r\n") + b"bogus\r\n" + b"peek 1\r\n":
            wire.send(bytes([byte]))
        wire.expect(b"USING t\r\nINSERTED 1\r\nUNKNOWN_COMMAND\r\nFOUND 1 7\r\nhello\r\n\r\n")

    def test_a_line_feed_alone_ends_nothing(self):
        wire = self.connect()
        wire.send(b"list-tube-used\n")
        self.assert_silent(wire)
        self.assertIn(wire.reply_to(b""), (BAD, UNKNOWN))
        wire.ask(b"\nlist-tube-used\r\n", b"UNKNOWN_COMMAND\r\n")
        wire.ask(b"use a\nb\r\n", b"BAD_FORMAT\r\n")

    def test_an_end_of_line_in_two_packets_ends_the_line(self):
        wire = self.connect()
        wire.send(b"list-tube-used\r")
        self.assert_silent(wire)
        wire.ask(b"\n", b"USING default\r\n")

    @not_beanstalkd("looks at the first CR of a line only, and hangs")
    def test_a_carriage_return_alone_does_not_end_a_line(self):
        wire = self.connect()
        wire.ask(b"a\rb\r\n", b"UNKNOWN_COMMAND\r\n")
        wire.ask(b"use a\rb\r\n", b"BAD_FORMAT\r\n")
        wire.ask(b"use a\r\r\n", b"BAD_FORMAT\r\n")
        wire.ask(b"\r\r\r\r\n", b"UNKNOWN_COMMAND\r\n")
        wire.ask(b"list-tube-used\r\n", b"USING default\r\n")

    def test_a_line_with_a_zero_byte_is_a_bad_format(self):
        wire = self.connect()
        for line in (b"use a\0b", b"list-tube-used\0", b"\0list-tube-used", b"use \0", b"stats\0\0"):
            self.assertEqual(wire.reply_to(line), BAD, line)


class Lengths(BeanstalkTest):
    def test_the_longest_line_has_224_bytes(self):
        wire = self.connect()
        name = b"n" * 200
        wire.ask(b"use %b\r\n" % name, b"USING %b\r\n" % name)
        line = b"pause-tube %b 0000000007\r\n" % name
        self.assertEqual(len(line), 224)
        wire.ask(line, b"PAUSED\r\n")
        wire.ask(b"pause-tube %b 000000000007\r\n" % name + b"list-tubes-watched\r\n", b"BAD_FORMAT\r\nOK 14\r\n")
        self.assertEqual(wire.receive(16), b"---\n- default\n\r\n")

    def test_a_line_that_is_too_long_gets_one_answer(self):
        wire = self.connect()
        for length in (226, 227, 300, 447, 450, 672, 1000, 10_000, 70_000, 1_000_000):
            wire.ask(b"use " + b"n" * (length - 6) + b"\r\nlist-tube-used\r\n", b"BAD_FORMAT\r\nUSING default\r\n")

    @not_beanstalkd("drops a CR at byte 224 and swallows the next command")
    def test_the_end_of_a_long_line_is_found_wherever_it_lies(self):
        wire = self.connect()
        for length in list(range(220, 235)) + list(range(
                444, 454)) + [672, 673, 674, 896, 897, 898, 65535, 65536, 65537, 65538]:
            answer = b"UNKNOWN_COMMAND" if length <= 224 else b"BAD_FORMAT"
            wire.ask(b"n" * (length - 2) + b"\r\nlist-tube-used\r\n", answer + b"\r\nUSING default\r\n")

    @not_beanstalkd("drops a CR at byte 224 and swallows the next command")
    def test_a_line_that_is_too_long_gets_one_answer_also_when_it_comes_in_pieces(self):
        wire = self.connect()
        for length in (225, 449, 500):
            line = b"n" * (length - 2) + b"\r\n"
            for cut in (1, 223, 224, length - 1):
                wire.send(line[:cut])
                self.assert_silent(wire)
                wire.ask(line[cut:] + b"list-tube-used\r\n", b"BAD_FORMAT\r\nUSING default\r\n")


class Words(BeanstalkTest):
    def table(self, rows):
        wire = self.connect()
        for line, answer in rows:
            self.assertEqual(wire.reply_to(line), answer, line)
        self.assertEqual(wire.reply_to(b"list-tube-used"), "USING default")

    def test_unknown_commands_are_answered_so(self):
        lines = (b"", b" ", b" list-tube-used", b"\tstats", b"Stats", b"STATS", b"PUT 0 0 0 0", b"x" * 200,
                 b"flush_all", b"GET / HTTP/1.1", b"\xff\xfe")
        self.table([(line, UNKNOWN) for line in lines])

    def test_a_command_with_more_letters_is_not_taken_for_it(self):
        wire = self.connect()
        for line in (b"reservex", b"statsx", b"peek-readyx", b"list-tubesx", b"usex a", b"putx 0 0 1 0"):
            self.assertIn(wire.reply_to(line), (BAD, UNKNOWN), line)

    def test_what_beanstalkd_takes_by_chance(self):
        """Its quirks may be answered otherwise, but once, and what follows is understood."""
        for line, answers in ((b"pause-tubedefault 0", ("PAUSED", BAD, UNKNOWN)), (b"quitx", ("", BAD, UNKNOWN)),
                              (b"quit now", ("", BAD, UNKNOWN))):
            wire = self.connect()
            wire.send(line + b"\r\nlist-tube-used\r\n")
            wire.end_sending()
            lines = wire.receive(1000).decode().split("\r\n")
            self.assertIn(lines[0], answers, line)
            self.assertIn(lines[1:], ([], ["USING default", ""]), line)

    def test_commands_without_their_argument_are_refused(self):
        bare = (b"put", b"use", b"delete", b"kick", b"touch", b"peek", b"release", b"bury", b"watch", b"ignore",
                b"kick-job")
        self.table([(word, UNKNOWN) for word in bare])
        self.table([(word + b" ", BAD) for word in bare])
        rest = (b"reserve-with-timeout", b"reserve-job", b"stats-job", b"stats-tube", b"pause-tube")
        self.table([(word, BAD) for word in rest])
        self.table([(word + b" ", BAD) for word in rest if word != b"reserve-with-timeout"])

    def test_bytes_after_the_last_argument_are_bad_format(self):
        rows = [
            (line, BAD)
            for line in (b"use a ", b"use a b", b"watch a ", b"ignore default x", b"put 0 0 10 1 2", b"put 0 0 10 0 ",
                         b"delete 1 ", b"delete 1 2", b"release 1 0 0 ", b"release 1 0 0 0", b"bury 1 0 ", b"touch 1 ",
                         b"peek 1 x", b"kick-job 1 ", b"stats-job 1 ", b"stats-tube default ", b"pause-tube default 0 ",
                         b"pause-tube default 0 0", b"reserve-job 1 ", b"stats ", b"list-tubes ", b"list-tube-used ",
                         b"list-tubes-watched ", b"reserve ", b"peek-ready ", b"peek-delayed ", b"peek-buried ")
        ]
        self.table(rows)

    @not_beanstalkd("takes what is no number for 0, or reads a part of it")
    def test_timeouts_and_bounds_are_numbers(self):
        self.table([(line, BAD)
                    for line in (b"reserve-with-timeout ", b"reserve-with-timeout abc", b"reserve-with-timeout 0 ",
                                 b"reserve-with-timeout 0x", b"reserve-with-timeout -1",
                                 b"reserve-with-timeout 2147483648", b"reserve-with-timeout 4294967296",
                                 b"reserve-with-timeout 99999999999999999999", b"kick 5 5", b"kick 5 ")])

    def test_put_release_and_pause_tube_take_repeated_spaces_and_others_refuse_them(self):
        wire = self.connect()
        wire.ask(b"put  1   0  60 2\r\nab\r\n", b"INSERTED 1\r\n")
        wire.ask(b"reserve\r\nrelease 1  0   0\r\n", b"RESERVED 1 2\r\nab\r\nRELEASED\r\n")
        wire.ask(b"pause-tube  default  0\r\n", b"PAUSED\r\n")
        for line in (b"use  a", b"watch  a", b"ignore  default", b"stats-tube  default", b"use\ta", b"put\t0 0 60 0",
                     b"put 0\t0 60 0", b"release 1\t0 0"):
            self.assertIn(wire.reply_to(line), (BAD, UNKNOWN), line)


class Numbers(BeanstalkTest):
    def test_numbers_are_digits(self):
        wire = self.connect()
        for line in (b"put %b 0 60 0", b"put 0 %b 60 0", b"put 0 0 %b 0", b"put 0 0 60 %b", b"release %b 0 0",
                     b"release 1 %b 0", b"release 1 0 %b", b"bury %b 0", b"bury 1 %b", b"delete %b", b"touch %b",
                     b"peek %b", b"kick-job %b", b"stats-job %b", b"reserve-job %b", b"pause-tube default %b"):
            for number in (b"-1", b"+5", b"1x", b"0x1", b"1,0", b"a", b"1.0", b"18446744073709551616",
                           b"99999999999999999999999", b"-", b"\xb2"):
                self.assertEqual(wire.reply_to(line % number), BAD, line % number)

    def test_32_bit_numbers_end_there(self):
        wire = self.connect()
        for line in (b"put 4294967296 0 60 0", b"put 0 4294967296 60 0", b"put 0 0 4294967296 0",
                     b"put 0 0 60 4294967296", b"release 1 4294967296 0", b"release 1 0 4294967296",
                     b"bury 1 4294967296", b"pause-tube default 4294967296"):
            self.assertEqual(wire.reply_to(line), BAD, line)
        wire.ask(b"put 4294967295 0 4294967295 0\r\n\r\n", b"INSERTED 1\r\n")

    def test_numbers_may_have_leading_zeros(self):
        wire = self.connect()
        wire.ask(b"put 007 000 0060 0002\r\nab\r\npeek 0001\r\n", b"INSERTED 1\r\nFOUND 1 2\r\nab\r\n")
        wire.ask(b"reserve-with-timeout 0000\r\n", b"RESERVED 1 2\r\nab\r\n")

    def test_ids_up_to_64_bits(self):
        wire = self.connect()
        for number in (0, 1, 2**32, 2**53, 2**63, 2**64 - 1):
            for word in (b"delete", b"touch", b"peek", b"kick-job", b"stats-job", b"reserve-job"):
                self.assertEqual(wire.reply_to(b"%b %d" % (word, number)), "NOT_FOUND", (word, number))


class Names(BeanstalkTest):
    def test_a_name_of_a_tube_takes_only_the_bytes_of_the_protocol(self):
        wire = self.connect()
        for value in range(256):
            name = b"a" + bytes([value])
            if value == 10 or value == 13:
                continue
            answer = wire.reply_to(b"use " + name)
            self.assertEqual(answer, "USING a" + chr(value) if value in NAME_CHARACTERS else BAD, name)

    def test_a_name_of_a_tube_has_up_to_200_bytes_and_no_hyphen_first(self):
        wire = self.connect()
        for word, answer in ((b"use ", "USING"), (b"watch ", "WATCHING"), (b"ignore ", "WATCHING"), (b"stats-tube ",
                                                                                                     "NOT_FOUND")):
            for name in (b"-a", b"-", b"", b"n" * 201, b"a,b", b"\xc3\xa4", b'"a"'):
                self.assertEqual(wire.reply_to(word + name), BAD, word + name)
        for name in (b"n" * 200, b"a-", b"0", b"0.5", b"+", b"()", b";", b"/a/b", b"$x", b"_", b"."):
            self.assertEqual(wire.reply_to(b"use " + name), "USING " + name.decode())

    def test_upper_and_lower_case_differ(self):
        wire = self.connect()
        wire.ask(b"watch a\r\nwatch A\r\n", b"WATCHING 2\r\nWATCHING 3\r\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
