"""Each check of the structure test can fail, and is silent where nothing is wrong: small trees, each with one fault."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import commit_checks as c
import document_checks as d
import file_checks as f
import include_checks as i
from tree import Tree

GOOD_README = """`tests/run --all`, `engine/job`, `daemon/{base,loop}/CMakeLists.txt`,
`daemon/<module>/`, `text/plain`, `job_test.cpp`

```
cmake --preset asan && build/asan/millraced --check  # build/asan/engine_tests
build/asan/millrace bench --json
```
"""

# A tree without a fault.
GOOD = {
    "daemon/modules": "# the table\nbase:\nengine: base\nloop: base\nhandlers: base loop\nservice: handlers\ntools:\n",
    "daemon/base/CMakeLists.txt": "millrace_module(base SOURCES ids.cpp)\n",
    "daemon/base/ids.cpp": "#include <millrace/base/ids.hpp>\n",
    "include/millrace/base/ids.hpp": "#pragma once\n#include <string>\n",
    "daemon/engine/job.hpp": "#pragma once\n#include <millrace/base/ids.hpp>\n#include <boost/intrusive/set.hpp>\n",
    "daemon/engine/CMakeLists.txt": "millrace_module(engine SOURCES finish.cpp)\n",
    "daemon/engine/finish.cpp": '#include "engine/job.hpp"\n',
    "include/millrace/loop/event_loop.hpp":
        "#pragma once\n#include <boost/asio/awaitable.hpp>\n#include <millrace/base/ids.hpp>\n",
    "daemon/loop/CMakeLists.txt": "millrace_module(loop SOURCES event_loop.cpp)\n",
    "daemon/loop/event_loop.cpp":
        "#include <millrace/loop/event_loop.hpp>\n#include <time.h>\nauto n = std::chrono::steady_clock::now();\n",
    "daemon/handlers/CMakeLists.txt": "millrace_module(handlers SOURCES\n  catalogue.cpp print.cpp) # both\n",
    "daemon/handlers/catalogue.hpp": "#pragma once\n#include <millrace/base/ids.hpp>\n",
    "daemon/handlers/catalogue.cpp": '#include "handlers/catalogue.hpp"\n#include "handlers/print.hpp"\n',
    "daemon/handlers/print.hpp": "#pragma once\n#include <millrace/loop/event_loop.hpp>\n",
    "daemon/handlers/print.cpp":
        '#include "handlers/print.hpp"\n// steady_clock::now() in a comment\nauto s = "system_clock::now()";\n',
    "daemon/service/daemon.hpp": '#pragma once\n#include "handlers/catalogue.hpp"\n',
    "config/millrace.schema.json": '{"enum": ["print"]}',
    "config/README.md": "| metric (prefix `millrace_`) | labels |\n|---|---|\n| `queue_jobs` | queue |\n",
    "CMakeLists.txt": "",
    "CMakePresets.json": '{"configurePresets": [{"name": "asan"}]}',
    "daemon/service/CMakeLists.txt": "millrace_program(millraced SOURCES millraced.cpp MODULES service)\n",
    "daemon/service/millraced.cpp": '#include "service/daemon.hpp"\napp.add_flag("--check", check);\n',
    "daemon/tools/CMakeLists.txt": "millrace_program(millrace SOURCES millrace.cpp)\n",
    "daemon/tools/millrace.cpp": 'if (word == "bench") return bench(); app.add_flag("--json");\n',
    "tests/run": "#!/bin/sh\ncase $1 in --all) all=1 ;; esac\n",
    "tests/engine/CMakeLists.txt": "millrace_test(engine SOURCES job_test.cpp)\nmillrace_python_test(x x_test.py)\n",
    "tests/engine/desk.hpp": "#pragma once\n",
    "tests/engine/job_test.cpp": '#include "engine/desk.hpp"\n',
    "tests/engine/x_test.py": "import support\n",
    "tests/engine/support.py": "",
    "README.md": GOOD_README,
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
        for check in i.CHECKS + f.CHECKS + d.CHECKS:
            self.assertEqual(self.complaints(check, {}), [], check.__name__)

    def test_an_edge_upwards_in_the_table(self):
        self.finds(i.table_is_ordered,
                   "engine uses loop",
                   files={"daemon/modules": GOOD["daemon/modules"].replace("engine: base", "engine: base loop")})

    def test_a_module_outside_the_table(self):
        self.finds(i.table_is_ordered, "attic: not in", files={"daemon/attic/box.hpp": "#pragma once\n"})

    def test_an_include_without_an_edge(self):
        self.finds(i.includes_follow_the_table, "no edge engine -> loop",
                   files={"daemon/engine/queue.hpp": "#pragma once\n#include <millrace/loop/event_loop.hpp>\n"})

    def test_an_edge_that_nothing_uses(self):
        self.finds(
            i.every_edge_is_used,
            "nothing in service includes from engine",
            files={"daemon/modules": GOOD["daemon/modules"].replace("service: handlers", "service: handlers engine")})

    def test_the_never_list_in_the_table(self):
        self.finds(i.the_never_list,
                   "telemetry must never use settings",
                   files={"daemon/modules": GOOD["daemon/modules"] + "settings:\ntelemetry: settings\n"})

    def test_the_never_list_in_an_include(self):
        self.finds(i.the_never_list, "engine must never use loop",
                   files={"daemon/engine/queue.hpp": "#pragma once\n#include <millrace/loop/event_loop.hpp>\n"})

    def test_an_include_of_nothing(self):
        self.finds(i.includes_name_files,
                   "queue.hpp is not there",
                   files={"daemon/engine/job.hpp": '#pragma once\n#include "queue.hpp"\n'})

    def test_a_circle_of_files(self):
        self.finds(i.no_circle_of_files,
                   "a.hpp -> daemon/engine/b.hpp -> daemon/engine/a.hpp",
                   files={
                       "daemon/engine/a.hpp": '#pragma once\n#include "engine/b.hpp"\n',
                       "daemon/engine/b.hpp": '#pragma once\n#include "engine/a.hpp"\n'
                   })

    def test_a_promised_header_that_includes_the_interior(self):
        self.finds(i.promised_include_promised, "engine/job.hpp, which is interior",
                   files={"include/millrace/engine/view.hpp": '#pragma once\n#include "engine/job.hpp"\n'})

    def test_a_third_party_in_the_wrong_module(self):
        for header in ("boost/asio.hpp", "boost/lockfree/queue.hpp", "yaml-cpp/yaml.h", "openssl/evp.h",
                       "flint/flint.h", "sqlite3.h", "spdlog/spdlog.h"):
            self.finds(i.third_parties_in_their_modules,
                       f"<{header}> belongs to",
                       files={"daemon/engine/x.hpp": f"#pragma once\n#include <{header}>\n"})

    def test_a_third_party_in_the_wrong_unit(self):
        self.finds(i.third_parties_in_their_modules,
                   "belongs to handlers/prime only",
                   files={"daemon/handlers/spin.cpp": "#include <flint/fmpz.h>\n"})

    def test_an_unknown_third_party(self):
        self.finds(i.third_parties_in_their_modules,
                   "in no module's list",
                   files={"daemon/engine/x.hpp": "#pragma once\n#include <absl/x.h>\n"})

    def test_a_catalogue_outside_service(self):
        self.finds(i.only_service_includes_a_catalogue,
                   "only service composes",
                   files={"daemon/loop/x.hpp": '#pragma once\n#include "handlers/catalogue.hpp"\n'})

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

    def test_a_wide_line(self):
        for path in ("daemon/base/ids.cpp", "CMakeLists.txt", "tests/run", "deploy/install-packages"):
            first = "#include <millrace/base/ids.hpp>\n" if path.endswith(".cpp") else ""
            self.finds(f.line_width, f"{path}:{2 if first else 1}: 121 columns",
                       files={path: first + "// " + "x" * 118 + "\n"})
            self.assertEqual(self.complaints(f.line_width, {path: first + "// " + "ä" * 117 + "\n"}), [])

    def test_a_wide_line_of_a_document_a_yaml_file_or_a_script(self):
        for path in ("NEWS.md", "daemon/README.md", "config/one.yaml", "deploy/one.yml", "deploy/Dockerfile"):
            self.finds(f.line_width, f"{path}:2: 121 columns", files={path: "# One\n" + "x " * 60 + "x\n"})
        for path in ("start", "deploy/package", "config/draw", "tests/soak/go"):
            self.finds(f.line_width, f"{path}:2: 121 columns", files={path: "#!/bin/sh\n# " + "x" * 119 + "\n"})
        self.finds(f.line_width, "config/one.yaml:1", files={"config/one.yaml": "| " + "x" * 119 + "\n"})
        self.finds(f.line_width, "NEWS.md:1", files={"NEWS.md": "-" * 121 + "\n"})
        self.finds(f.line_width, "NEWS.md:1", files={"NEWS.md": "See [one](" + "x" * 120 + ").\n"})

    def test_lines_that_may_be_wide(self):
        files = {"NEWS.md": "| " + "x" * 119 + " |\n- [one](" + "x/" * 60 + ")\n<https://x.org/" + "x" * 120 + ">.\n",
                 "config/millrace.yaml": "# " + "x" * 119 + "\n", "tests/fuzz/seed": "x" * 121 + "\n"}
        self.assertEqual(self.complaints(f.line_width, files), [])

    def test_a_script_that_nothing_runs(self):
        self.finds(f.scripts_are_run, "tests/engine/old.py: nothing runs", files={"tests/engine/old.py": ""})
        self.finds(f.scripts_are_run, "tests/engine/y_test.py: nothing runs", files={"tests/engine/y_test.py": ""})

    def test_a_header_that_only_its_own_source_includes(self):
        self.finds(i.headers_are_included, "engine/spare.hpp: nothing in the daemon",
                   files={"daemon/engine/spare.hpp": "#pragma once\n",
                          "daemon/engine/spare.cpp": '#include "engine/spare.hpp"\n'})

    def test_a_header_that_only_tests_include(self):
        self.finds(i.headers_are_included, "engine/spare.hpp: nothing in the daemon",
                   files={"daemon/engine/spare.hpp": "#pragma once\n",
                          "tests/engine/job_test.cpp": '#include "engine/spare.hpp"\n#include "engine/desk.hpp"\n'})

    def test_a_header_of_the_tests_that_nothing_includes(self):
        self.finds(i.headers_are_included, "tests/engine/desk.hpp: nothing in the tests",
                   files={"tests/engine/job_test.cpp": "int x;\n"})

    def test_a_document_that_names_what_is_not_there(self):
        for text, words in {"see `tests/walk`": "README.md:1: there is no tests/walk",
                            "see\n`engine/bob`": "README.md:2: there is no engine/bob",
                            "`daemon/{base,attic}/CMakeLists.txt`": "there is no daemon/{base,attic}",
                            "`daemon/<module>/nothing.cpp`": "there is no daemon/<module>/nothing.cpp",
                            "```\n\ntests/engine/z_test.py -v\n```": "README.md:3: there is no tests/engine/z_test.py",
                            "`z_test.cpp`": "there is no file z_test.cpp",
                            "`build/debug/millraced`": "nothing builds build/debug/millraced",
                            "`build/asan/milled`": "nothing builds build/asan/milled",
                            "`cmake --preset debug`": "there is no preset debug"}.items():
            self.finds(d.documents_name_what_exists, words, files={"README.md": text + "\n"})

    def test_a_document_with_a_command_that_does_not_exist(self):
        for text, words in {"`tests/run --none`": "tests/run has no option --none",
                            "`build/asan/millraced --chec`": "has no option --chec",
                            "`A=1 millraced --check && millrace bench --xml`": "millrace has no option --xml",
                            "`millrace dance`": "millrace has no command dance"}.items():
            self.finds(d.documents_name_what_exists, words, files={"daemon/README.md": text + "\n"})

    def test_a_metric_that_a_document_or_a_rule_names_and_nobody_exports(self):
        rules = "record: millrace:jobs:sum\nsummary: see %s, millrace:jobs:sum or millrace_queue_jobs_sum\n"
        for named in ("millrace_queue_job", "millrace:jobs:max"):
            for files in ({"daemon/README.md": f"`millrace_queue_jobs` or {named}, not `millrace_base`\n"},
                          {"deploy/prometheus/x.rules.yml": rules % named}):
                self.finds(d.metrics_that_are_named_exist, f"there is no metric {named}", files=files)

    def test_a_commit_whose_message_is_too_short_or_too_long(self):
        good = ("1234567", "Say it", "It says why.\n")
        self.assertEqual(c.complaints_of([good, ("1", "x" * 72, "Why.")]), [])
        self.assertIn("73 characters", c.complaints_of([good, ("1", "x" * 73, "Why.")])[0])
        self.assertIn("no body", c.complaints_of([good, ("1", "Say it", " \n")])[0])

    def test_commits_are_read_from_git(self):
        git = ["git", "-c", "user.name=x", "-c", "user.email=x@y.z", "-c", "commit.gpgsign=false"]
        with tempfile.TemporaryDirectory() as top:
            commit = [*git, "commit", "-q", "--allow-empty", "-m"]
            for words in (["git", "init", "-q"], [*commit, "First"], [*commit,
                                                                      "Second"], [*commit, "Third", "-m", "Why."]):
                subprocess.run(words, cwd=top, check=True)
            self.assertEqual([found[1:] for found in c.commits(top, "HEAD~2")], [("Third", "Why.\n"), ("Second", "")])
            self.assertIsNone(c.commits(top, "1" * 40))

    def test_something_undone(self):
        self.finds(f.nothing_undone, "ids.cpp:1", files={"daemon/base/ids.cpp": "// TO" + "DO: later\n"})

    def test_a_path_of_a_machine(self):
        self.finds(f.nothing_undone, "deploy/run:2", files={"deploy/run": "#!/bin/sh\ncd /wo" + "rk/here\n"})

    def test_a_source_that_no_build_file_lists(self):
        self.finds(f.sources_are_listed, "job.cpp: in no CMakeLists.txt", files={"daemon/engine/job.cpp": ""})

    def test_a_listed_source_that_is_missing(self):
        self.finds(f.sources_are_listed, "print.cpp: listed", files={"daemon/handlers/print.cpp": None})

    def test_sources_by_pattern(self):
        self.finds(f.sources_are_listed,
                   "by a pattern",
                   files={"daemon/engine/CMakeLists.txt": "file(GLOB x *)\nset(y finish.cpp)\n"})

    def test_a_clock_read_in_the_wrong_place(self):
        for read in ("std::chrono::steady_clock::now()", "clock_type::now()", "clock_gettime(CLOCK_MONOTONIC, &t)",
                     "std::time (nullptr)", "time(nullptr)"):
            self.finds(f.clocks,
                       "print.cpp: reads a clock",
                       files={"daemon/handlers/print.cpp": f'#include "handlers/print.hpp"\nauto t = {read};\n'})

    def test_a_place_that_need_not_read_a_clock(self):
        self.finds(f.clocks,
                   "loop/event_loop reads no clock",
                   files={"daemon/loop/event_loop.cpp": "#include <millrace/loop/event_loop.hpp>\n"})

    def test_a_callback_with_another_name(self):
        for callback in ("std::function<void()> fire;", "void set(const std::function<void(int, long)>& fire) {}"):
            self.finds(f.callback_names,
                       "the callback fire is not named on_…",
                       files={"daemon/engine/job.hpp": f"#pragma once\n#include <millrace/base/ids.hpp>\n"
                                                       f"#include <boost/intrusive/set.hpp>\n{callback}\n"})

    def test_names_of_callbacks_and_of_work(self):
        text = ("std::function<void()> on_end_{};\nvoid post(std::function<void()> work);\n"
                "std::function<bool()> has_space;\nusing taker = std::function<void(int)>;\n")
        files = {"daemon/engine/finish.cpp": '#include "engine/job.hpp"\n' + text}
        self.assertEqual(self.complaints(f.callback_names, files), [])

    def test_a_kind_without_its_file(self):
        files = {
            "daemon/handlers/catalogue.cpp": '#include "handlers/print.hpp"\n#include "handlers/hash.hpp"\n',
            "config/millrace.schema.json": '["print", "hash"]'
        }
        self.finds(f.catalogues, "no daemon/handlers/hash.cpp", files=files)

    def test_a_kind_without_its_line_in_the_schema(self):
        self.finds(f.catalogues,
                   "print of daemon/handlers/catalogue.cpp is missing",
                   files={"config/millrace.schema.json": "{}"})

    def test_a_metric_that_is_not_in_the_list(self):
        self.finds(
            f.metrics_as_promised,
            "names millrace_jobs, which is not in the table",
            files={"daemon/telemetry/x.cpp": 'write(page, "millrace_queue_jobs"); write(page, "millrace_jobs");\n'})

    def test_a_metric_that_telemetry_lacks(self):
        self.finds(f.metrics_as_promised,
                   "queue_jobs is not in telemetry",
                   files={"daemon/telemetry/x.cpp": "int x;\n"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
