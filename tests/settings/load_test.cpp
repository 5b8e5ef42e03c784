#include "settings/load.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "settings/print.hpp"
#include "settings/schema.hpp"
#include "support/catch.hpp"
#include "words.hpp"

using namespace millrace;
using namespace millrace::settings;

namespace {

/// A folder of its own that is gone afterwards.
struct folder {
  folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-settings-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~folder() { std::filesystem::remove_all(path); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;

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

TEST_CASE("a kind's keys and the common ones stand in one map") {
  const loaded read = load_text(small, "f", made_up());
  CAPTURE(text_of(read.complaints));
  REQUIRE(read.value);
  REQUIRE(read.complaints.empty());
  const auto& producer = read.value->producers.front();
  CHECK(producer.name == "leak");
  CHECK(producer.kind->name == "drip");
  CHECK(producer.common.queue == "puddle");
  CHECK(producer.kind->options->find("drops")->print(producer.kind_options.get()) == "7");
  CHECK(producer.kind->options->find("from")->print(producer.kind_options.get()) == "the roof");
  const auto& consumer = read.value->consumers.front();
  CHECK(consumer.common.run_on == offload::place::threads);
  CHECK(consumer.kind->options->find("corn")->print_list(consumer.kind_options.get()) ==
        std::vector<std::string>{"wheat"});
}

TEST_CASE("printed settings have every default, the kind's too") {
  const loaded read = load_text(small, "f", made_up());
  REQUIRE(read.value);
  const std::string text = print(*read.value);
  for (const char* line : {"    drops: 7\n", "    wet: false\n", "    corn: [wheat]\n", "    ttr: 1m\n",
                           "    concurrency: 1\n", "    max_jobs: 1M\n", "  drain_timeout: 30s\n"})
    CHECK(text.find(line) != std::string::npos);
  const loaded again = load_text(text, "f", made_up());
  REQUIRE(again.value);
  CHECK(print(*again.value) == text);
}

TEST_CASE("the example and the schema know the kinds they are given, and no others") {
  const std::string example = print_example(made_up());
  CHECK(example.find("#kind: drip") != std::string::npos);
  CHECK(example.find("#from: roof") != std::string::npos);
  CHECK(example.find("prime") == std::string::npos);
  CHECK(load_text(example, "f", made_up()).value);
  const std::string text = schema(made_up());
  CHECK(text.find("\"const\": \"mill\"") != std::string::npos);
  CHECK(text.find("\"corn\"") != std::string::npos);
  CHECK(text.find("\"const\": \"prime\"") == std::string::npos);
}

TEST_CASE("a queue has the defaults of the file where it does not say otherwise, in whatever order they stand") {
  const loaded read =
      load_text("queues: { a: { max_jobs: 5 } }\nqueue_defaults: { max_jobs: 9, overflow: reject }\n", "f", made_up());
  REQUIRE(read.value);
  CHECK(read.value->queues.front().second.max_jobs == 5);
  CHECK(read.value->queues.front().second.when_full == engine::overflow::reject);
}

TEST_CASE("a dead letter queue that is not declared gets the defaults, and a warning says so") {
  const loaded read = load_text(
      "queue_defaults: { max_jobs: 9 }\nqueues: { a: {} }\nproducers: { p: { kind: drip, queue: a } }\n"
      "consumers: { c: { queue: a, handler: cup, dead_letter: b } }\n",
      "f", made_up());
  REQUIRE(read.value);
  CHECK(read.complaints.size() == 1);
  REQUIRE(read.value->queues.size() == 2);
  CHECK(read.value->queues.back().first == "b");
  CHECK(read.value->queues.back().second.max_jobs == 9);
}

TEST_CASE("the door is closed by off") {
  for (const char* word : {"off", "false", "'off'"}) {
    const loaded read = load_text(std::string{"daemon: { http: "} + word + " }", "f", made_up());
    REQUIRE(read.value);
    CHECK_FALSE(read.value->daemon.http.has_value());
  }
  CHECK(load_text("{}", "f", made_up()).value->daemon.http.has_value());
}

TEST_CASE("it is known whether a file names the address of HTTP") {
  CHECK_FALSE(load_text("{}", "f", made_up()).value->daemon.http_given);
  CHECK_FALSE(load_text("daemon: { queues_max: 1000 }", "f", made_up()).value->daemon.http_given);
  CHECK(load_text("daemon: { http: '127.0.0.1:9464' }", "f", made_up()).value->daemon.http_given);
}

TEST_CASE("a file that cannot be read is one complaint") {
  const folder here;
  CHECK(text_of(load_file(here.path / "none.yaml", made_up()).complaints) ==
        "none.yaml: cannot be read: No such file or directory (expected a settings file)\n");
  std::filesystem::create_directory(here.path / "folder");
  CHECK(text_of(load_file(here.path / "folder", made_up()).complaints) ==
        "folder: cannot be read: this is a directory (expected a settings file)\n");
  CHECK(text_of(load_file("", made_up()).complaints) ==
        ": cannot be read: No such file or directory (expected a settings file)\n");
  if (::geteuid() != 0) {
    std::ofstream{here.path / "secret.yaml"} << "{}";
    ::chmod((here.path / "secret.yaml").c_str(), 0);
    CHECK(text_of(load_file(here.path / "secret.yaml", made_up()).complaints) ==
          "secret.yaml: cannot be read: Permission denied (expected a settings file)\n");
  }
}

TEST_CASE("a file beyond the limit is refused, also when its size is not known before") {
  const std::string blanks(file_bytes_max - 2, ' ');
  CHECK(load_text("{}" + blanks, "f", made_up()).value);
  CHECK(text_of(load_text("{}" + blanks + " ", "f", made_up()).complaints) == "f: the file is larger than 16MiB\n");
  CHECK(text_of(load_file("/dev/zero", made_up()).complaints) == "zero: the file is larger than 16MiB\n");
}

TEST_CASE("more parts than the limit are one complaint") {
  std::string text = "queues:\n";
  for (std::size_t n = 0; n < named_parts_max; ++n) text += "  q" + std::to_string(n) + ": {}\n";
  const loaded most = load_text(text, "f", made_up());
  CHECK(most.value);
  CHECK(most.complaints.size() == complaint_list::complaints_max + 1);
  const loaded more = load_text(text + "  one_more: {}\n", "f", made_up());
  CHECK(text_of(more.complaints) == "f:2:3: queues: there are 10001 (expected at most 10000)\n");
}

TEST_CASE("a long path of outputs is no circle, and a long circle is one complaint") {
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
  CHECK(load_text(queues + consumers, "f", made_up()).value);
  consumers += "  last: { queue: q" + std::to_string(length - 1) + ", handler: cup, output: q0 }\n";
  const loaded circle = load_text(queues + consumers, "f", made_up());
  REQUIRE(circle.complaints.size() == 1);
  CHECK(circle.complaints.front().key == "consumers.last.output");
  CHECK(circle.complaints.front().wrong.size() < 300);
}

TEST_CASE("files that a producer cannot read, and a data directory that is a file, are mistakes of a settings file") {
  const folder in;
  std::ofstream{in.path / "plain"} << "1\n";
  std::filesystem::create_directory(in.path / "folder");
  const auto complaints = [&in](const std::string& file, const std::string& data_dir) {
    std::ofstream{in.path / "settings.yaml"} << "daemon: { data_dir: " << data_dir << " }\n"
                                             << "queues: { q: {} }\n"
                                             << "producers: { a: { kind: lines, queue: q, file: " << file << " } }\n"
                                             << "consumers: { c: { queue: q, handler: noop } }\n";
    return text_of(load_file(in.path / "settings.yaml", built_in()).complaints);
  };
  CHECK(complaints("plain", "folder") == "");
  CHECK(complaints("plain", "created-later") == "");
  CHECK(complaints("\"-\"", "folder") == "");
  CHECK(complaints("missing.txt", "folder") ==
        "settings.yaml:3:48: producers.a.file: `missing.txt` cannot be read: No such file or directory "
        "(expected a file that can be read, or -)\n");
  CHECK(complaints("folder", "folder").find("producers.a.file: `folder` is a directory") != std::string::npos);
  CHECK(complaints("plain", "plain").find("daemon.data_dir: `plain` is a file (expected a directory)") !=
        std::string::npos);
  CHECK(complaints("plain", "''").find("daemon.data_dir: is empty (expected a path)") != std::string::npos);
}

TEST_CASE("two producers may read one plain file, and only one a fifo, whatever names it has") {
  const folder in;
  std::ofstream{in.path / "plain"} << "1\n";
  REQUIRE(::mkfifo((in.path / "pipe").c_str(), 0600) == 0);
  std::filesystem::create_symlink("pipe", in.path / "alias");
  const auto read = [&in](const std::string& first, const std::string& second) {
    std::ofstream{in.path / "settings.yaml"} << "queues: { q: {} }\nproducers:\n"
                                             << "  a: { kind: lines, queue: q, file: " << first << " }\n"
                                             << "  b: { kind: lines, queue: q, file: " << second << " }\n"
                                             << "consumers: { c: { queue: q, handler: noop } }\n";
    return load_file(in.path / "settings.yaml", built_in());
  };

  CHECK(read("plain", "plain").value);
  CHECK(read("plain", "pipe").value);
  for (const std::string& second : {std::string{"alias"}, (in.path / "pipe").string()}) {
    const auto refused = read("pipe", second);
    CHECK_FALSE(refused.value);
    REQUIRE(refused.complaints.size() == 1);
    const auto text = refused.complaints[0].text();
    CHECK(text.find(":4:") != std::string::npos);
    CHECK(text.find("producers.b.file") != std::string::npos);
    CHECK(text.find("is read by producers.a.file (line 3) already") != std::string::npos);
  }
}
