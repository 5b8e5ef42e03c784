// The wire alone: what it costs to read commands off a pipeline as one read from a socket brings them, and to write and
// read replies. A turn is one of them.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "wire/beanstalk_command.hpp"
#include "wire/beanstalk_reply.hpp"

using namespace millrace;

namespace {

/// As much as a session reads at once.
constexpr std::size_t read_bytes = 64u << 10;
constexpr std::uint32_t body_bytes_max = 65'535;

/// As many lines as one read brings. Ids go on as they do in life, so that their lengths are not the same.
template <class line_of>
std::string pipeline(line_of line) {
  std::string bytes;
  for (std::uint64_t id = 1; bytes.size() < read_bytes; id += 7'919) bytes += line(id);
  return bytes;
}

/// One turn is one value read.
template <class value, class reader>
void read_all(benchmark::State& state, const std::string& bytes, reader from, typename reader::found expected) {
  value parsed;
  std::string_view rest = bytes;
  for (auto _ : state) {
    if (from.next(rest, parsed) != expected) return state.SkipWithError("not what was written");
    benchmark::DoNotOptimize(parsed);
    if (rest.empty()) rest = bytes;
  }
  state.SetItemsProcessed(state.iterations());
}

template <class line_of>
void read_commands(benchmark::State& state, line_of line) {
  using reader = wire::beanstalk_command_reader;
  read_all<wire::beanstalk_command>(state, pipeline(line), reader{body_bytes_max}, reader::found::command);
}

const std::string body_of_64(64, 'x');

std::string put_line(std::uint64_t) { return "put 0 0 60 64\r\n" + body_of_64 + "\r\n"; }
std::string delete_line(std::uint64_t id) { return "delete " + std::to_string(id) + "\r\n"; }

void read_put(benchmark::State& state) { read_commands(state, put_line); }
void read_reserve(benchmark::State& state) {
  read_commands(state, [](std::uint64_t) { return std::string{"reserve\r\n"}; });
}
void read_reserve_with_timeout(benchmark::State& state) {
  read_commands(state, [](std::uint64_t) { return std::string{"reserve-with-timeout 0\r\n"}; });
}
void read_delete(benchmark::State& state) { read_commands(state, delete_line); }
void read_use(benchmark::State& state) {
  read_commands(state, [](std::uint64_t) { return std::string{"use some-tube\r\n"}; });
}
/// The life of a job, three commands of which no predictor knows the next by the last alone.
void read_mixed(benchmark::State& state) {
  read_commands(state, [](std::uint64_t id) {
    switch (id * 2'654'435'761u / 65'536 % 3) {
      case 0:
        return put_line(id);
      case 1:
        return std::string{"reserve\r\n"};
      default:
        return delete_line(id);
    }
  });
}
BENCHMARK(read_put);
BENCHMARK(read_reserve);
BENCHMARK(read_reserve_with_timeout);
BENCHMARK(read_delete);
BENCHMARK(read_use);
BENCHMARK(read_mixed);

std::string reserved_line(std::uint64_t id) {
  std::string bytes;
  wire::append_head(bytes, wire::beanstalk_word::reserved, id, body_of_64.size());
  return bytes + body_of_64 + "\r\n";
}

void read_replies(benchmark::State& state) {
  using reader = wire::beanstalk_reply_reader;
  read_all<wire::beanstalk_reply>(state, pipeline(reserved_line), reader{}, reader::found::reply);
}
BENCHMARK(read_replies);

template <class writing>
void write_replies(benchmark::State& state, writing write) {
  std::string to;
  to.reserve(2 * read_bytes);
  std::uint64_t id = 1;
  for (auto _ : state) {
    write(to, id += 7'919);
    if (to.size() > read_bytes) to.clear();
  }
  state.SetItemsProcessed(state.iterations());
}
void write_deleted(benchmark::State& state) {
  write_replies(state, [](std::string& to, std::uint64_t) { wire::append(to, wire::beanstalk_word::deleted); });
}
void write_inserted(benchmark::State& state) {
  write_replies(state, [](std::string& to, std::uint64_t id) { wire::append(to, wire::beanstalk_word::inserted, id); });
}
void write_reserved_head(benchmark::State& state) {
  write_replies(
      state, [](std::string& to, std::uint64_t id) { wire::append_head(to, wire::beanstalk_word::reserved, id, 64); });
}
BENCHMARK(write_deleted);
BENCHMARK(write_inserted);
BENCHMARK(write_reserved_head);

}  // namespace
