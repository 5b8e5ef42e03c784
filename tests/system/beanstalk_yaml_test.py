"""Names of tubes in YAML replies, as parsers of YAML and client libraries read them: quoted exactly where some parser
needs it.

Names are quoted when a plain scalar would be something else than that string in YAML 1.1 or 1.2; clients that only
split lines see all others as they are.
"""

import json
import os
import random
import re
import subprocess
import unittest

import yaml

import beanstalk_clients_test
from beanstalk_support import BeanstalkTest, not_beanstalkd
from beanstalk_wire import put
from support import PATIENCE

PLAIN = ["emails", "a-b+c/d;e.f$g_h(i)", "x86_64", "1a", "v1.2", "nope", "e5", "+a", "$1", "2001-01"]
QUOTED = [
    "123", "1.5", "null", "yes", "off", "y", "true", "0x1F", "1e3", "1_000", ".5", "0o17", "2001-01-01", ".inf", "1.2.3"
]

# The types of strings made of a tube's characters, from yaml.org/type (1.1), the core schema (1.2) and Psych's scanner,
# the widest form of each.
TYPES = re.compile(
    r"null|y|n|yes|no|true|false|on|off|[-+]?\.inf|\.nan"
    r"|[-+]?([0-9][0-9_]*|([0-9][0-9_]*)?\.[0-9._]*)(e[-+]?[0-9]+)?"
    r"|[-+]?0b[01_]+|[-+]?0o[0-7_]+|[-+]?0x[0-9a-f_]+"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(t.*)?", re.IGNORECASE)


def tubes_of(seed, count):
    """Names that are likely to look like something else."""
    chosen = random.Random(seed)
    alphabets = [
        "0123456789", "01_.", "0123456789.e+-", "0xXabfF_", "ob01_", "yYnNoOfFeEsS", "tTrRuUeEfalLS", ".infINFa",
        "nulNUL", "0123-T", "a1.-"
    ]
    names = set()
    while len(names) < count:
        name = "".join(chosen.choice(alphabets[len(names) % len(alphabets)]) for _ in range(chosen.randint(1, 10)))
        if not name.startswith("-") and name != "default":
            names.add(name)
    return sorted(names)


def read_by_psych(items):
    """The strings that Ruby reads from these items of a YAML list, each alone; None where it is no string or an
    error."""
    script = (
        "puts JSON.dump(STDIN.each_line.map { |item| (read = (YAML.load(item, permitted_classes: [Date, Time, "
        "Symbol])[0] rescue nil));"
        "read.is_a?(String) ? read : nil })")
    text = "".join(item + "\n" for item in items)
    ended = subprocess.run(["ruby", "-ryaml", "-rjson", "-rdate", "-e", script],
                           input=text.encode(),
                           capture_output=True,
                           timeout=PATIENCE,
                           check=True)
    return json.loads(ended.stdout)


def read_by_pyyaml(item):
    """The same in Python."""
    try:
        read = yaml.safe_load(item)[0]
    except (ValueError, yaml.YAMLError):  # a date in month 13, say
        return None
    return read if isinstance(read, str) else None


@not_beanstalkd("quotes other strings, depending on its version")
class Names(BeanstalkTest):
    def keep(self, wire, names):
        """Makes tubes that stay, because each has a job."""
        for name in names:
            wire.ask(b"use %b\r\n" % name.encode(), b"USING %b\r\n" % name.encode())
            wire.put(b"x")

    def lists(self, names):
        wire = self.connect()
        self.keep(wire, names)
        return wire.chunk_for(b"list-tubes").decode()

    def test_each_reply_quotes_the_names_that_need_it(self):
        wire = self.connect()
        self.keep(wire, PLAIN + QUOTED)
        lines = ["- default"] + ["- " + name for name in PLAIN] + ['- "%s"' % name for name in QUOTED]
        self.assertEqual(wire.chunk_for(b"list-tubes").decode().split("\n")[1:-1], lines)
        for number, name in enumerate(PLAIN + QUOTED, 1):
            wire.reply_to(b"watch " + name.encode())
            shown = name if name in PLAIN else '"%s"' % name
            self.assertIn("\nname: %s\n" % shown, wire.chunk_for(b"stats-tube " + name.encode()).decode())
            self.assertIn("\ntube: %s\n" % shown, wire.chunk_for(b"stats-job %d" % number).decode())
        self.assertEqual(wire.chunk_for(b"list-tubes-watched").decode().split("\n")[1:-1], lines)

    def test_parsers_read_every_name_as_it_is(self):
        names = PLAIN + QUOTED + [name for name in tubes_of(1, 400) if name not in PLAIN + QUOTED]
        text = self.lists(names)
        self.assertEqual(yaml.safe_load(text), ["default"] + names)
        self.assertEqual(read_by_psych(text.split("\n")[1:-1]), ["default"] + names)

    def test_no_name_is_quoted_without_a_reason(self):
        names = tubes_of(2, 600)
        lines = self.lists(names).split("\n")[2:-1]
        for name, line, ruby in zip(names, lines, read_by_psych(["- " + name for name in names])):
            needs = bool(TYPES.fullmatch(name)) or read_by_pyyaml("- " + name) != name or ruby != name
            self.assertEqual(line, '- "%s"' % name if needs else "- " + name)

    def test_statistics_are_read_by_parsers(self):
        wire = self.connect()
        wire.put(b"x")
        for request in (b"stats", b"stats-job 1", b"stats-tube default"):
            text = wire.chunk_for(request).decode()
            read = yaml.safe_load(text)
            for key in ("id", "version", "hostname", "os", "platform", "name", "tube", "state"):
                if key in read and not (key == "id" and request != b"stats"):
                    self.assertIsInstance(read[key], str, (key, text))
        self.assertEqual(yaml.safe_load(wire.chunk_for(b"stats"))["os"], os.uname().version)

    def test_the_last_error_of_a_job_is_shown_until_it_has_none(self):
        self.start_on("queues: { q: {} }\nconsumers: { c: { queue: q, handler: prime } }\n")
        wire = self.connect()
        wire.reply_to(b"use q")
        wire.send(put(b"no: 'number' \"\xff"))
        number = int(wire.accepted())
        while wire.stats(b"stats-job %d" % number)["state"] != "buried":
            pass
        read = yaml.safe_load(wire.chunk_for(b"stats-job %d" % number))
        self.assertIsInstance(read["last-error"], str)
        self.assertGreater(len(read["last-error"]), 5)
        self.assertEqual(read["failures"], 1)
        wire.reply_to(b"use other")
        fresh = wire.put(b"x")
        stats = yaml.safe_load(wire.chunk_for(b"stats-job %d" % fresh))
        self.assertNotIn("last-error", stats)
        self.assertNotIn("failures", stats)


@not_beanstalkd("quotes other strings, depending on its version")
class Libraries(BeanstalkTest):
    def said(self, *command, **environment):
        cleaned = {key: value for key, value in os.environ.items() if not key.endswith("SAN_OPTIONS")} | environment
        ended = subprocess.run(command,
                               capture_output=True,
                               text=True,
                               timeout=PATIENCE,
                               env=cleaned,
                               stdin=subprocess.DEVNULL)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return json.loads(ended.stdout.splitlines()[-1])

    def setUp(self):
        super().setUp()
        wire = self.connect()
        for name in (b"emails", b"1.5"):
            wire.reply_to(b"use " + name)
            wire.put(b"x")
        self.port = str(self.server.address[1])

    def test_pheanstalk(self):
        # It splits lines and takes no quotes away.
        script = ("error_reporting(E_ALL & ~E_DEPRECATED); require 'Pheanstalk/autoload.php';"
                  "$c = Pheanstalk\\Pheanstalk::create('127.0.0.1', (int) $argv[1]);"
                  "echo json_encode([$c->listTubes(), $c->statsTube('emails')['name']]);")
        self.assertEqual(self.said("php", "-r", script, self.port), [["default", "emails", '"1.5"'], "emails"])

    def test_beaneater(self):
        script = ("c = Beaneater.new('127.0.0.1:' + ARGV[0]);"
                  "puts JSON.dump([c.tubes.all.map(&:name), c.tubes['emails'].stats.name, c.tubes['1.5'].stats.name])")
        self.assertEqual(self.said("ruby", "-rbeaneater", "-rjson", "-e", script, self.port),
                         [["default", "emails", "1.5"], "emails", "1.5"])

    def test_fivebeans(self):
        beanstalk_clients_test.setUpModule()
        script = (
            "const c = new (require('fivebeans').client)('127.0.0.1', process.argv[1]);"
            "c.on('connect', () => c.list_tubes((e, tubes) => c.stats_tube('emails', (e, one) => c.stats_tube('1.5', "
            "(e, two) => {"
            "console.log(JSON.stringify([tubes, one.name, two.name])); c.end(); })))).connect();")
        modules = os.path.join(beanstalk_clients_test.INSTALLED, "node_modules")
        self.assertEqual(self.said("node", "-e", script, self.port, NODE_PATH=modules),
                         [["default", "emails", "1.5"], "emails", "1.5"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
