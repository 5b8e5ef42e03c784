#include "wire/beanstalk_reply.hpp"

#include <limits>
#include <string>

#include "support/catch.hpp"

using namespace millrace;
using wire::beanstalk_word;

namespace {

template <class... arguments>
std::string appended(arguments... with) {
  std::string text = "before|";
  wire::append(text, with...);
  return text.substr(7);
}

constexpr std::uint64_t last_id = std::numeric_limits<std::uint64_t>::max();

}  // namespace

TEST_CASE("replies of one word are written with their CR LF") {
  const std::pair<beanstalk_word, const char*> words[] = {
      {beanstalk_word::deleted, "DELETED\r\n"},
      {beanstalk_word::released, "RELEASED\r\n"},
      {beanstalk_word::buried, "BURIED\r\n"},
      {beanstalk_word::touched, "TOUCHED\r\n"},
      {beanstalk_word::kicked, "KICKED\r\n"},
      {beanstalk_word::paused, "PAUSED\r\n"},
      {beanstalk_word::not_found, "NOT_FOUND\r\n"},
      {beanstalk_word::not_ignored, "NOT_IGNORED\r\n"},
      {beanstalk_word::deadline_soon, "DEADLINE_SOON\r\n"},
      {beanstalk_word::timed_out, "TIMED_OUT\r\n"},
      {beanstalk_word::draining, "DRAINING\r\n"},
      {beanstalk_word::job_too_big, "JOB_TOO_BIG\r\n"},
      {beanstalk_word::expected_crlf, "EXPECTED_CRLF\r\n"},
      {beanstalk_word::bad_format, "BAD_FORMAT\r\n"},
      {beanstalk_word::unknown_command, "UNKNOWN_COMMAND\r\n"},
      {beanstalk_word::out_of_memory, "OUT_OF_MEMORY\r\n"},
      {beanstalk_word::internal_error, "INTERNAL_ERROR\r\n"},
  };
  for (const auto& [word, line] : words) CHECK(appended(word) == line);
}

TEST_CASE("replies with a number or a tube are written with it") {
  CHECK(appended(beanstalk_word::inserted, std::uint64_t{1}) == "INSERTED 1\r\n");
  CHECK(appended(beanstalk_word::inserted, last_id) == "INSERTED 18446744073709551615\r\n");
  CHECK(appended(beanstalk_word::buried_job, std::uint64_t{7}) == "BURIED 7\r\n");
  CHECK(appended(beanstalk_word::kicked_count, std::uint64_t{0}) == "KICKED 0\r\n");
  CHECK(appended(beanstalk_word::watching, std::uint64_t{3}) == "WATCHING 3\r\n");
  std::string text;
  wire::append_using(text, std::string(200, 'n'));
  CHECK(text == "USING " + std::string(200, 'n') + "\r\n");
}

TEST_CASE("replies with a body are written with their size") {
  std::string text;
  wire::append_head(text, beanstalk_word::reserved, last_id, 4'294'967'295);
  CHECK(text == "RESERVED 18446744073709551615 4294967295\r\n");
  text.clear();
  wire::append_head(text, beanstalk_word::found, 1, 0);
  CHECK(text == "FOUND 1 0\r\n");
  text.clear();
  wire::append_chunk(text, "---\n- a\n");
  CHECK(text == "OK 8\r\n---\n- a\n\r\n");
  wire::append_chunk(text, "");
  CHECK(text == "OK 8\r\n---\n- a\n\r\nOK 0\r\n\r\n");
}
