#include "settings/load.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "settings/print.hpp"
#include "settings/schema.hpp"
#include "settings_support.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::settings;

namespace {

/// A temporary folder.
struct temporary_folder {
  temporary_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-settings-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~temporary_folder() { std::filesystem::remove_all(path); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  std::filesystem::path path;
};

constexpr auto small = R"(
queues: { puddle: {}, flour: {} }
producers:
  leak: { kind: drip, queue: puddle, drops: 7, from: the roof, wet: false }
consumers:
  grind: { queue: puddle, handler: mill, run_on: threads, step: 2ms, corn: wheat, output: flour }
  drink: { queue: flour, handler: cup }
)";

}  // namespace

TEST_CASE("a map has the keys of its kind and the common keys") {
  const loaded read = load_text(small, "f", test_vocabulary());
  CAPTURE(text_of(read.diagnostics));
  REQUIRE(read.value);
  REQUIRE(read.diagnostics.empty());
  const auto& producer = read.value->producers.front();
  CHECK(producer.name == "leak");
  CHECK(producer.kind->name == "drip");
  CHECK(producer.common.queue == "puddle");
  CHECK(producer.kind->options->find("drops")->print(producer.kind_options.get()) == "7");
  CHECK(producer.kind->options->find("from")->print(producer.kind_options.get()) == "the roof");
  const auto& consumer = read.value->consumers.front();
  CHECK(consumer.common.run_on == offload::execution_site::threads);
  CHECK(consumer.kind->options->find("corn")->print_list(consumer.kind_options.get()) ==
        std::vector<std::string>{"wheat"});
}

TEST_CASE("printed settings have all defaults, also those of the kind") {
  const loaded read = load_text(small, "f", test_vocabulary());
  REQUIRE(read.value);
  const std::string text = print(*read.value);
  for (const char* line : {"    drops: 7\n", "    wet: false\n", "    corn: [wheat]\n", "    ttr: 1m\n",
                           "    concurrency: 1\n", "    max_jobs: 1M\n", "  drain_timeout: 30s\n"})
    CHECK(text.find(line) != std::string::npos);
  const loaded again = load_text(text, "f", test_vocabulary());
  REQUIRE(again.value);
  CHECK(print(*again.value) == text);
}

TEST_CASE("the example and the schema have the kinds of the vocabulary only") {
  const std::string example = print_example(test_vocabulary());
  CHECK(example.find("#kind: drip") != std::string::npos);
  CHECK(example.find("#from: roof") != std::string::npos);
  CHECK(example.find("prime") == std::string::npos);
  CHECK(load_text(example, "f", test_vocabulary()).value);
  const std::string text = schema(test_vocabulary());
  CHECK(text.find("\"const\": \"mill\"") != std::string::npos);
  CHECK(text.find("\"corn\"") != std::string::npos);
  CHECK(text.find("\"const\": \"prime\"") == std::string::npos);
}

TEST_CASE("a queue has the defaults of the file, in any order of the sections") {
  const loaded read = load_text("queues: { a: { max_jobs: 5 } }\nqueue_defaults: { max_jobs: 9, overflow: reject }\n",
                                "f", test_vocabulary());
  REQUIRE(read.value);
  CHECK(read.value->queues.front().second.max_jobs == 5);
  CHECK(read.value->queues.front().second.when_full == engine::overflow::reject);
}

TEST_CASE("a dead letter queue that is not declared gets the defaults and a warning") {
  const loaded read = load_text(
      "queue_defaults: { max_jobs: 9 }\nqueues: { a: {} }\nproducers: { p: { kind: drip, queue: a } }\n"
      "consumers: { c: { queue: a, handler: cup, dead_letter: b } }\n",
      "f", test_vocabulary());
  REQUIRE(read.value);
  CHECK(read.diagnostics.size() == 1);
  REQUIRE(read.value->queues.size() == 2);
  CHECK(read.value->queues.back().first == "b");
  CHECK(read.value->queues.back().second.max_jobs == 9);
}

TEST_CASE("off disables the HTTP listener") {
  for (const char* word : {"off", "false", "'off'"}) {
    const loaded read = load_text(std::string{"daemon: { http: "} + word + " }", "f", test_vocabulary());
    REQUIRE(read.value);
    CHECK_FALSE(read.value->daemon.http.has_value());
  }
  CHECK(load_text("{}", "f", test_vocabulary()).value->daemon.http.has_value());
}

TEST_CASE("http_given tells whether a file sets the address of HTTP") {
  CHECK_FALSE(load_text("{}", "f", test_vocabulary()).value->daemon.http_given);
  CHECK_FALSE(load_text("daemon: { queues_max: 1000 }", "f", test_vocabulary()).value->daemon.http_given);
  CHECK(load_text("daemon: { http: '127.0.0.1:9464' }", "f", test_vocabulary()).value->daemon.http_given);
}

TEST_CASE("a file that cannot be read is one diagnostic") {
  const temporary_folder folder;
  CHECK(text_of(load_file(folder.path / "none.yaml", test_vocabulary()).diagnostics) ==
        "none.yaml: cannot be read: No such file or directory (expected a settings file)\n");
  std::filesystem::create_directory(folder.path / "folder");
  CHECK(text_of(load_file(folder.path / "folder", test_vocabulary()).diagnostics) ==
        "folder: cannot be read: this is a directory (expected a settings file)\n");
  CHECK(text_of(load_file("", test_vocabulary()).diagnostics) ==
        ": cannot be read: No such file or directory (expected a settings file)\n");
  if (::geteuid() != 0) {
    std::ofstream{folder.path / "secret.yaml"} << "{}";
    ::chmod((folder.path / "secret.yaml").c_str(), 0);
    CHECK(text_of(load_file(folder.path / "secret.yaml", test_vocabulary()).diagnostics) ==
          "secret.yaml: cannot be read: Permission denied (expected a settings file)\n");
  }
}

TEST_CASE("a file beyond the size limit is refused, even if its size is unknown") {
  const std::string blanks(file_bytes_max - 2, ' ');
  CHECK(load_text("{}" + blanks, "f", test_vocabulary()).value);
  CHECK(text_of(load_text("{}" + blanks + " ", "f", test_vocabulary()).diagnostics) ==
        "f: the file is larger than 16MiB\n");
  CHECK(text_of(load_file("/dev/zero", test_vocabulary()).diagnostics) == "zero: the file is larger than 16MiB\n");
}

TEST_CASE("too many entries of a section are one diagnostic") {
  std::string text = "queues:\n";
  for (std::size_t n = 0; n < named_entries_max; ++n) text += "  q" + std::to_string(n) + ": {}\n";
  const loaded most = load_text(text, "f", test_vocabulary());
  CHECK(most.value);
  CHECK(most.diagnostics.size() == diagnostic_list::diagnostics_max + 1);
  const loaded more = load_text(text + "  one_more: {}\n", "f", test_vocabulary());
  CHECK(text_of(more.diagnostics) == "f:2:3: queues: there are 10001 entries (expected at most 10000)\n");
}

TEST_CASE("a long chain of outputs is no cycle, and a long cycle is one diagnostic") {
  std::string queues = "queues:\n";
  std::string consumers = "consumers:\n";
  const int length = 5'000;
  for (int n = 0; n < length; ++n) {
    const std::string name = "q" + std::to_string(n);
    queues += "  " + name + ": {}\n";
    if (n > 0)
      consumers += "  c" + std::to_string(n) + ": { queue: q" + std::to_string(n - 1) +
                   ", handler: cup, output: " + name + " }\n";
  }
  CHECK(load_text(queues + consumers, "f", test_vocabulary()).value);
  consumers += "  last: { queue: q" + std::to_string(length - 1) + ", handler: cup, output: q0 }\n";
  const loaded cycle = load_text(queues + consumers, "f", test_vocabulary());
  REQUIRE(cycle.diagnostics.size() == 1);
  CHECK(cycle.diagnostics.front().key == "consumers.last.output");
  CHECK(cycle.diagnostics.front().problem.size() < 300);
}

TEST_CASE("an unreadable input file and a data_dir that is a file are errors") {
  const temporary_folder folder;
  std::ofstream{folder.path / "plain"} << "1\n";
  std::filesystem::create_directory(folder.path / "folder");
  const auto diagnostics = [&folder](const std::string& file, const std::string& data_dir) {
    std::ofstream{folder.path / "settings.yaml"} << "daemon: { data_dir: " << data_dir << " }\n"
                                                 << "queues: { q: {} }\n"
                                                 << "producers: { a: { kind: lines, queue: q, file: " << file
                                                 << " } }\n"
                                                 << "consumers: { c: { queue: q, handler: noop } }\n";
    return text_of(load_file(folder.path / "settings.yaml", builtin_vocabulary()).diagnostics);
  };
  CHECK(diagnostics("plain", "folder").empty());
  CHECK(diagnostics("plain", "created-later").empty());
  CHECK(diagnostics("\"-\"", "folder").empty());
  CHECK(diagnostics("missing.txt", "folder") ==
        "settings.yaml:3:48: producers.a.file: `missing.txt` cannot be read: No such file or directory "
        "(expected a readable file, or -)\n");
  CHECK(diagnostics("folder", "folder").find("producers.a.file: `folder` is a directory") != std::string::npos);
  CHECK(diagnostics("plain", "plain").find("daemon.data_dir: `plain` is a file (expected a directory)") !=
        std::string::npos);
  CHECK(diagnostics("plain", "''").find("daemon.data_dir: is empty (expected a path)") != std::string::npos);
}

TEST_CASE("two producers may read the same regular file, but not the same fifo") {
  const temporary_folder folder;
  std::ofstream{folder.path / "plain"} << "1\n";
  REQUIRE(::mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
  std::filesystem::create_symlink("pipe", folder.path / "alias");
  const auto read = [&folder](const std::string& first, const std::string& second) {
    std::ofstream{folder.path / "settings.yaml"} << "queues: { q: {} }\nproducers:\n"
                                                 << "  a: { kind: lines, queue: q, file: " << first << " }\n"
                                                 << "  b: { kind: lines, queue: q, file: " << second << " }\n"
                                                 << "consumers: { c: { queue: q, handler: noop } }\n";
    return load_file(folder.path / "settings.yaml", builtin_vocabulary());
  };

  CHECK(read("plain", "plain").value);
  CHECK(read("plain", "pipe").value);
  for (const std::string& second : {std::string{"alias"}, (folder.path / "pipe").string()}) {
    const auto refused = read("pipe", second);
    CHECK_FALSE(refused.value);
    REQUIRE(refused.diagnostics.size() == 1);
    const auto text = refused.diagnostics[0].text();
    CHECK(text.find(":4:") != std::string::npos);
    CHECK(text.find("producers.b.file") != std::string::npos);
    CHECK(text.find("is already read by producers.a.file (line 3)") != std::string::npos);
  }
}
