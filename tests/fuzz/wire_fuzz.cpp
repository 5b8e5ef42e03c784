// For libFuzzer. The first byte chooses how the others are cut, the second one the reader. The bytes must give the same
// results whole, cut, and command by command. All of them are consumed. A result can be written and read back.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "wire/transcript.hpp"

using namespace millrace;
using namespace millrace::testing;

namespace {

/// Small, so that the fuzzer finds bodies below and above it.
constexpr std::uint32_t body_bytes_max = 300;

[[noreturn]] void abort_with(const char* complaint, const transcript& first, const transcript& second) {
  std::fprintf(stderr, "%s\n", complaint);
  for (const auto* each : {&first, &second}) {
    std::fprintf(stderr, "--- %zu results\n", each->size());
    for (const auto& line : *each) std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::abort();
}

void require(bool condition, const char* complaint) {
  if (!condition) abort_with(complaint, {}, {});
}

/// The lengths of the pieces, from a seed: some short, some long, some zero.
class cuts {
 public:
  explicit cuts(std::uint8_t seed) : state_{seed} {}
  std::size_t next() {
    state_ = state_ * 1'664'525u + 1'013'904'223u;
    const std::uint32_t random = state_ >> 16;
    return random % 4 == 0 ? random / 4 % 400 : random / 4 % 5;
  }

 private:
  std::uint32_t state_;
};

template <class Reading>
void feed_in_pieces(Reading& reading, std::string_view bytes, std::uint8_t seed) {
  cuts lengths{seed};
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, lengths.next());
    if (!reading.feed(piece)) {
      require(!reading.results().empty() && reading.results().back() == "nonsense", "bytes were left over");
      return;
    }
    bytes.remove_prefix(piece.size());
  }
}

/// The results when each command, with its body, goes to a reader of its own, so without state between commands.
transcript read_separately(std::string_view bytes) {
  transcript results;
  for (std::size_t end; (end = bytes.find("\r\n")) != std::string_view::npos;) {
    const std::string_view line = bytes.substr(0, end + 2);
    bytes.remove_prefix(line.size());
    if (line.size() > wire::command_line_bytes_max) {
      results.emplace_back("bad_format");
      continue;
    }
    command_reading reading{body_bytes_max};
    reading.feed(line);
    if (reading.results().empty()) {
      // A put: its last number is the size of its body.
      const std::size_t body_bytes = std::stoul(std::string{line.substr(line.rfind(' '))}) + 2;
      if (bytes.size() < body_bytes) break;
      reading.feed(bytes.substr(0, body_bytes));
      bytes.remove_prefix(body_bytes);
    }
    require(reading.results().size() == 1 && reading.reader().at_rest(), "one command is not one result");
    results.push_back(reading.results().front());
  }
  return results;
}

void try_commands(std::string_view bytes, std::uint8_t seed) {
  command_reading whole{body_bytes_max}, cut{body_bytes_max};
  require(whole.feed(bytes), "bytes were left over");
  feed_in_pieces(cut, bytes, seed);
  if (whole.results() != cut.results()) abort_with("whole and cut are not the same", whole.results(), cut.results());
  const transcript separate = read_separately(bytes);
  if (whole.results() != separate) abort_with("together and one by one are not the same", whole.results(), separate);
  require(whole.reader().at_rest() == cut.reader().at_rest(), "whole and cut are not both at rest");

  // Each command that was read is written and read again.
  wire::beanstalk_command_reader reader{body_bytes_max};
  std::string written;
  transcript expected;
  for (;;) {
    wire::beanstalk_command command;
    const auto found = reader.next(bytes, command);
    if (found == wire::beanstalk_command_reader::found::nothing) break;
    if (found != wire::beanstalk_command_reader::found::command) continue;
    require(command.verb != wire::beanstalk_verb::put || command.count == command.content.size(),
            "a body is not as long as announced");
    expected.push_back(text_of(command));
    wire::append(written, command);
  }
  command_reading again{body_bytes_max};
  feed_in_pieces(again, written, seed);
  if (again.results() != expected) abort_with("what was written is not what was read", expected, again.results());
}

void write(std::string& text, const wire::beanstalk_reply& reply) {
  switch (reply.word) {
    case wire::beanstalk_word::inserted:
    case wire::beanstalk_word::buried_job:
    case wire::beanstalk_word::kicked_count:
    case wire::beanstalk_word::watching:
      return wire::append(text, reply.word, reply.number);
    case wire::beanstalk_word::using_tube:
      return wire::append_using(text, reply.tube);
    case wire::beanstalk_word::reserved:
    case wire::beanstalk_word::found:
      wire::append_head(text, reply.word, reply.number, reply.chunk.size());
      text.append(reply.chunk).append("\r\n");
      return;
    case wire::beanstalk_word::ok:
      return wire::append_chunk(text, reply.chunk);
    default:
      return wire::append(text, reply.word);
  }
}

void try_replies(std::string_view bytes, std::uint8_t seed) {
  reply_reading whole, cut;
  whole.feed(bytes);
  feed_in_pieces(cut, bytes, seed);
  if (whole.results() != cut.results()) abort_with("whole and cut are not the same", whole.results(), cut.results());

  wire::beanstalk_reply_reader reader;
  wire::beanstalk_reply reply;
  std::string written;
  transcript expected;
  while (reader.next(bytes, reply) == wire::beanstalk_reply_reader::found::reply) {
    expected.push_back(text_of(wire::beanstalk_reply_reader::found::reply, reply));
    write(written, reply);
  }
  reply_reading again;
  feed_in_pieces(again, written, seed);
  if (again.results() != expected) abort_with("what was written is not what was read", expected, again.results());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};
  // Letters, so that the seeds are text.
  if (data[1] % 2 == 'c' % 2)
    try_commands(bytes, data[0]);
  else
    try_replies(bytes, data[0]);
  return 0;
}
