#include "wire/beanstalk_reply.hpp"

#include <cassert>

#include "wire/beanstalk_reply_words.hpp"
#include "wire/line_writer.hpp"

namespace millrace::wire {

void append(std::string& to, beanstalk_word alone) {
  assert(stands_alone(alone));
  line_writer{text_of(alone)}.append_to(to);
}

void append(std::string& to, beanstalk_word word, std::uint64_t number) {
  assert(word == beanstalk_word::inserted || word == beanstalk_word::buried_job ||
         word == beanstalk_word::kicked_count || word == beanstalk_word::watching);
  line_writer{text_of(word)}.argument(number).append_to(to);
}

void append_using(std::string& to, std::string_view tube) {
  to.append(text_of(beanstalk_word::using_tube)).append(" ").append(tube).append(line_end);
}

void append_head(std::string& to, beanstalk_word word, std::uint64_t job, std::size_t body_bytes) {
  assert(word == beanstalk_word::reserved || word == beanstalk_word::found);
  line_writer{text_of(word)}.argument(job).argument(body_bytes).append_to(to);
}

void append_chunk(std::string& to, std::string_view yaml) {
  line_writer{text_of(beanstalk_word::ok)}.argument(yaml.size()).append_to(to);
  to.append(yaml).append(line_end);
}

}  // namespace millrace::wire
