// The results of a reader as lines of text, which tests compare with expected lines.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wire/beanstalk_command.hpp"
#include "wire/beanstalk_reply.hpp"
#include "wire/beanstalk_reply_words.hpp"

namespace millrace::testing {

using transcript = std::vector<std::string>;

/// `put pri=1 ttr=60 count=3 content=abc`: members that are zero or empty are left out, so a value that another command
/// left behind shows.
inline std::string text_of(const wire::beanstalk_command& command) {
  std::string text{wire::name_of(command.verb)};
  const auto number = [&text](const char* name, std::uint64_t value) {
    if (value != 0) text += name + std::to_string(value);
  };
  if (!command.tube.empty()) text.append(" tube=").append(command.tube);
  number(" job=", command.job);
  number(" pri=", command.priority);
  number(" delay=", command.delay);
  number(" ttr=", command.ttr);
  number(" count=", command.count);
  if (command.content.size() > 0) text.append(" content=").append(command.content.view());
  return text;
}

inline std::string text_of(wire::beanstalk_command_reader::found found, const wire::beanstalk_command& value) {
  using enum wire::beanstalk_command_reader::found;
  switch (found) {
    case command:
      return text_of(value);
    case bad_format:
      return "bad_format";
    case unknown_command:
      return "unknown_command";
    case expected_crlf:
      return "expected_crlf " + text_of(value);
    case job_too_big:
      return "job_too_big " + text_of(value);
    case out_of_memory:
      return "out_of_memory " + text_of(value);
    case nothing:
      break;
  }
  return "nothing";
}

inline std::string text_of(wire::beanstalk_reply_reader::found found, const wire::beanstalk_reply& reply) {
  if (found == wire::beanstalk_reply_reader::found::nonsense) return "nonsense";
  std::string text{wire::reply_words[static_cast<std::size_t>(reply.word)]};
  if (!wire::stands_alone(reply.word)) text += "+";
  if (reply.number != 0) text += ' ' + std::to_string(reply.number);
  if (!reply.tube.empty()) text.append(" tube=").append(reply.tube);
  if (reply.chunk.data() != nullptr) text.append(" chunk=").append(reply.chunk);
  return text;
}

/// A reader of commands or of replies, and all its results.
template <class Reader, class Value>
class reading {
 public:
  template <class... Arguments>
  explicit reading(Arguments... arguments) : reader_(arguments...) {}

  /// Reads a copy of the piece, so that the address sanitizer detects a read beyond it. False: bytes were left over, as
  /// behind nonsense.
  bool feed(std::string_view piece) {
    if (!results_.empty() && results_.back() == "nonsense") return false;
    const auto copy = std::make_unique<char[]>(piece.size());
    piece.copy(copy.get(), piece.size());
    std::string_view bytes{copy.get(), piece.size()};
    for (;;) {
      Value result;
      const std::size_t before = bytes.size();
      const auto found = reader_.next(bytes, result);
      if (found == Reader::found::nothing) return bytes.empty();
      results_.push_back(text_of(found, result));
      if (results_.back() == "nonsense" || bytes.size() >= before) return false;
    }
  }

  [[nodiscard]] const transcript& results() const noexcept { return results_; }
  [[nodiscard]] const Reader& reader() const noexcept { return reader_; }

 private:
  Reader reader_;
  transcript results_;
};

using command_reading = reading<wire::beanstalk_command_reader, wire::beanstalk_command>;
using reply_reading = reading<wire::beanstalk_reply_reader, wire::beanstalk_reply>;

inline constexpr std::uint32_t usual_body_bytes_max = 65'535;

inline transcript commands_in(std::string_view bytes, std::uint32_t body_bytes_max = usual_body_bytes_max) {
  command_reading reading{body_bytes_max};
  if (!reading.feed(bytes)) return {"bytes were left over"};
  return reading.results();
}

inline transcript replies_in(std::string_view bytes) {
  reply_reading reading;
  reading.feed(bytes);
  return reading.results();
}

}  // namespace millrace::testing
