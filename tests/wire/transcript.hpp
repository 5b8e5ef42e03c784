// What a reader made of bytes, as lines of text: tests compare them, and say by them what they expect.
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
inline std::string text_of(const wire::beanstalk_command& what) {
  std::string text{wire::name_of(what.verb)};
  const auto number = [&text](const char* name, std::uint64_t value) {
    if (value != 0) text += name + std::to_string(value);
  };
  if (!what.tube.empty()) text.append(" tube=").append(what.tube);
  number(" job=", what.job);
  number(" pri=", what.priority);
  number(" delay=", what.delay);
  number(" ttr=", what.ttr);
  number(" count=", what.count);
  if (what.content.size() > 0) text.append(" content=").append(what.content.view());
  return text;
}

inline std::string text_of(wire::beanstalk_command_reader::found found, const wire::beanstalk_command& what) {
  using enum wire::beanstalk_command_reader::found;
  switch (found) {
    case command:
      return text_of(what);
    case bad_format:
      return "bad_format";
    case unknown_command:
      return "unknown_command";
    case expected_crlf:
      return "expected_crlf " + text_of(what);
    case job_too_big:
      return "job_too_big " + text_of(what);
    case out_of_memory:
      return "out_of_memory " + text_of(what);
    case nothing:
      break;
  }
  return "nothing";
}

inline std::string text_of(wire::beanstalk_reply_reader::found found, const wire::beanstalk_reply& what) {
  if (found == wire::beanstalk_reply_reader::found::nonsense) return "nonsense";
  std::string text{wire::reply_words[static_cast<std::size_t>(what.word)]};
  if (!wire::stands_alone(what.word)) text += "+";
  if (what.number != 0) text += ' ' + std::to_string(what.number);
  if (!what.tube.empty()) text.append(" tube=").append(what.tube);
  if (what.chunk.data() != nullptr) text.append(" chunk=").append(what.chunk);
  return text;
}

/// A reader of commands or of replies, and what came of all that it was given.
template <class reader, class value>
class reading {
 public:
  template <class... arguments>
  explicit reading(arguments... with) : reader_(with...) {}

  /// A copy of the piece, no byte longer, so that the address sanitizer sees a reader that looks beyond it. False:
  /// bytes were left over, as behind nonsense.
  bool feed(std::string_view piece) {
    if (!results_.empty() && results_.back() == "nonsense") return false;
    const auto copy = std::make_unique<char[]>(piece.size());
    piece.copy(copy.get(), piece.size());
    std::string_view bytes{copy.get(), piece.size()};
    for (;;) {
      value what;
      const std::size_t before = bytes.size();
      const auto found = reader_.next(bytes, what);
      if (found == reader::found::nothing) return bytes.empty();
      results_.push_back(text_of(found, what));
      if (results_.back() == "nonsense" || bytes.size() >= before) return false;
    }
  }

  [[nodiscard]] const transcript& results() const noexcept { return results_; }
  [[nodiscard]] const reader& it() const noexcept { return reader_; }

 private:
  reader reader_;
  transcript results_;
};

using command_reading = reading<wire::beanstalk_command_reader, wire::beanstalk_command>;
using reply_reading = reading<wire::beanstalk_reply_reader, wire::beanstalk_reply>;

inline constexpr std::uint32_t usual_body_bytes_max = 65'535;

inline transcript commands_in(std::string_view bytes, std::uint32_t body_bytes_max = usual_body_bytes_max) {
  command_reading all{body_bytes_max};
  if (!all.feed(bytes)) return {"bytes were left over"};
  return all.results();
}

inline transcript replies_in(std::string_view bytes) {
  reply_reading all;
  all.feed(bytes);
  return all.results();
}

}  // namespace millrace::testing
