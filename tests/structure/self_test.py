"""Each check of the structure test can fail, and is silent where nothing is wrong: small trees, each with one fault."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import file_checks as f
import include_checks as i
from tree import Tree

# A tree without a fault.
GOOD = {
    "daemon/modules": "# the table\nbase:\nengine: base\nloop: base\nhandlers: base loop\nservice: handlers\n",
    "daemon/base/CMakeLists.txt": "millrace_module(base SOURCES ids.cpp)\n",
    "daemon/base/ids.cpp": "#include <millrace/base/ids.hpp>\n",
    "include/millrace/base/ids.hpp": "#pragma once\n#include <string>\n",
    "daemon/engine/job.hpp": "#pragma once\n#include <millrace/base/ids.hpp>\n#include <boost/intrusive/set.hpp>\n",
    "include/millrace/loop/event_loop.hpp": "#pragma once\n#include <boost/asio/awaitable.hpp>\n#include <millrace/base/ids.hpp>\n",
    "daemon/loop/CMakeLists.txt": "millrace_module(loop SOURCES event_loop.cpp)\n",
    "daemon/loop/event_loop.cpp": "#include <millrace/loop/event_loop.hpp>\n#include <time.h>\nauto n = std::chrono::steady_clock::now();\n",
    "daemon/handlers/CMakeLists.txt": "millrace_module(handlers SOURCES\n  catalogue.cpp print.cpp) # both\n",
    "daemon/handlers/catalogue.hpp": "#pragma once\n#include <millrace/base/ids.hpp>\n",
    "daemon/handlers/catalogue.cpp": '#include "handlers/catalogue.hpp"\n#include "handlers/print.hpp"\n',
    "daemon/handlers/print.hpp": "#pragma once\n#include <millrace/loop/event_loop.hpp>\n",
    "daemon/handlers/print.cpp": '#include "handlers/print.hpp"\n// steady_clock::now() in a comment\nauto s = "system_clock::now()";\n',
    "daemon/service/daemon.hpp": '#pragma once\n#include "handlers/catalogue.hpp"\n',
    "config/millrace.schema.json": '{"enum": ["print"]}',
    "tests/structure/metrics": "# the list\nqueue_jobs\n",
    "CMakeLists.txt": "",
}


class CanFail(unittest.TestCase):
    def complaints(self, check, faults):
        with tempfile.TemporaryDirectory() as top:
            for path, text in {**GOOD, **faults}.items():
                if text is not None:
                    file = Path(top, path)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text, encoding="utf-8")
            return check(Tree(top))

    def finds(self, check, words, files):
        """The check finds the fault that `files` (path -> text, None: missing) bring, and nothing else."""
        found = self.complaints(check, files)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_a_good_tree_is_silent(self):
        for check in i.CHECKS + f.CHECKS:
            self.assertEqual(self.complaints(check, {}), [], check.__name__)

    def test_an_edge_upwards_in_the_table(self):
        self.finds(i.table_is_ordered, "engine uses loop", files={"daemon/modules": GOOD["daemon/modules"].replace("engine: base", "engine: base loop")})

    def test_a_module_outside_the_table(self):
        self.finds(i.table_is_ordered, "attic: not in", files={"daemon/attic/box.hpp": "#pragma once\n"})

    def test_an_include_without_an_edge(self):
        self.finds(i.includes_follow_the_table, "no edge engine -> loop",
                   files={"daemon/engine/queue.hpp": "#pragma once\n#include <millrace/loop/event_loop.hpp>\n"})

    def test_an_edge_that_nothing_uses(self):
        self.finds(i.every_edge_is_used, "nothing in service includes from engine",
                   files={"daemon/modules": GOOD["daemon/modules"].replace("service: handlers", "service: handlers engine")})

    def test_the_never_list_in_the_table(self):
        self.finds(i.the_never_list, "telemetry must never use settings", files={"daemon/modules": GOOD["daemon/modules"] + "settings:\ntelemetry: settings\n"})

    def test_the_never_list_in_an_include(self):
        self.finds(i.the_never_list, "engine must never use loop",
                   files={"daemon/engine/queue.hpp": "#pragma once\n#include <millrace/loop/event_loop.hpp>\n"})

    def test_an_include_of_nothing(self):
        self.finds(i.includes_name_files, "queue.hpp is not there", files={"daemon/engine/job.hpp": '#pragma once\n#include "queue.hpp"\n'})

    def test_a_circle_of_files(self):
        self.finds(i.no_circle_of_files, "a.hpp -> daemon/engine/b.hpp -> daemon/engine/a.hpp",
                   files={"daemon/engine/a.hpp": '#pragma once\n#include "engine/b.hpp"\n', "daemon/engine/b.hpp": '#pragma once\n#include "engine/a.hpp"\n'})

    def test_a_promised_header_that_includes_the_interior(self):
        self.finds(i.promised_include_promised, "engine/job.hpp, which is interior",
                   files={"include/millrace/engine/view.hpp": '#pragma once\n#include "engine/job.hpp"\n'})

    def test_a_third_party_in_the_wrong_module(self):
        for header in ("boost/asio.hpp", "boost/lockfree/queue.hpp", "yaml-cpp/yaml.h", "openssl/evp.h", "flint/flint.h", "sqlite3.h", "spdlog/spdlog.h"):
            self.finds(i.third_parties_in_their_modules, f"<{header}> belongs to", files={"daemon/engine/x.hpp": f"#pragma once\n#include <{header}>\n"})

    def test_a_third_party_in_the_wrong_unit(self):
        self.finds(i.third_parties_in_their_modules, "belongs to handlers/prime only", files={"daemon/handlers/spin.cpp": "#include <flint/fmpz.h>\n"})

    def test_an_unknown_third_party(self):
        self.finds(i.third_parties_in_their_modules, "in no module's list", files={"daemon/engine/x.hpp": "#pragma once\n#include <absl/x.h>\n"})

    def test_a_catalogue_outside_service(self):
        self.finds(i.only_service_includes_a_catalogue, "only service composes", files={"daemon/loop/x.hpp": '#pragma once\n#include "handlers/catalogue.hpp"\n'})

    def test_own_header_not_first(self):
        self.finds(i.own_header_first, "first include should be handlers/print.hpp",
                   files={"daemon/handlers/print.cpp": '#include <string>\n#include "handlers/print.hpp"\n'})

    def test_a_stray_entry_at_the_top(self):
        self.finds(f.top_level, "scripts: not one", files={"scripts/x": ""})

    def test_no_pragma_once(self):
        self.finds(f.pragma_once, "no #pragma once", files={"daemon/engine/job.hpp": "#ifndef X\n#endif\n"})

    def test_a_long_file(self):
        self.finds(f.file_length, "351 lines", files={"daemon/base/ids.cpp": "\n" * 351})
        self.assertEqual(self.complaints(f.file_length, {"daemon/base/ids.cpp": "\n" * 350}), [])
        self.finds(f.file_length_warnings, "301 lines", files={"daemon/base/ids.cpp": "\n" * 301})

    def test_something_undone(self):
        self.finds(f.nothing_undone, "ids.cpp:1", files={"daemon/base/ids.cpp": "// TO" + "DO: later\n"})

    def test_a_path_of_a_machine(self):
        self.finds(f.nothing_undone, "deploy/run:2", files={"deploy/run": "#!/bin/sh\ncd /wo" + "rk/here\n"})

    def test_a_source_that_no_build_file_lists(self):
        self.finds(f.sources_are_listed, "job.cpp: in no CMakeLists.txt", files={"daemon/engine/job.cpp": ""})

    def test_a_listed_source_that_is_missing(self):
        self.finds(f.sources_are_listed, "print.cpp: listed", files={"daemon/handlers/print.cpp": None})

    def test_sources_by_pattern(self):
        self.finds(f.sources_are_listed, "by a pattern", files={"daemon/engine/CMakeLists.txt": "file(GLOB x *)\n"})

    def test_a_clock_read_in_the_wrong_place(self):
        for read in ("std::chrono::steady_clock::now()", "clock_type::now()", "clock_gettime(CLOCK_MONOTONIC, &t)", "std::time (nullptr)", "time(nullptr)"):
            self.finds(f.clocks, "print.cpp: reads a clock", files={"daemon/handlers/print.cpp": f'#include "handlers/print.hpp"\nauto t = {read};\n'})

    def test_a_place_that_need_not_read_a_clock(self):
        self.finds(f.clocks, "loop/event_loop reads no clock", files={"daemon/loop/event_loop.cpp": "#include <millrace/loop/event_loop.hpp>\n"})

    def test_a_kind_without_its_file(self):
        files = {"daemon/handlers/catalogue.cpp": '#include "handlers/print.hpp"\n#include "handlers/hash.hpp"\n', "config/millrace.schema.json": '["print", "hash"]'}
        self.finds(f.catalogues, "no daemon/handlers/hash.cpp", files=files)

    def test_a_kind_without_its_line_in_the_schema(self):
        self.finds(f.catalogues, "print of daemon/handlers/catalogue.cpp is missing", files={"config/millrace.schema.json": "{}"})

    def test_a_metric_that_is_not_in_the_list(self):
        self.finds(f.metrics_as_promised, "names millrace_jobs, which is not in the list",
                   files={"daemon/telemetry/x.cpp": 'write(page, "millrace_queue_jobs"); write(page, "millrace_jobs");\n'})

    def test_a_metric_that_telemetry_lacks(self):
        self.finds(f.metrics_as_promised, "queue_jobs is not in telemetry", files={"daemon/telemetry/x.cpp": "int x;\n"})


if __name__ == "__main__":
    unittest.main()
