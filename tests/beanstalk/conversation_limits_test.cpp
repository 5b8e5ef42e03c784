// Watermarks, turns and memory of a conversation.
#include <string>
#include <vector>

#include "beanstalk/conversation.hpp"
#include "beanstalk/scripted_conversation.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::commands;
using testing::reserve;
using testing::scripted_conversation;
using testing::use;
using state = beanstalk::conversation::state;

TEST_CASE("while the server drains, all that one read brought is executed, though replies fill up in the middle") {
  scripted_conversation fixture{{.reply_bytes_max = 20}};
  fixture.executor.job_held = true;
  fixture.context.draining = true;
  fixture.talk.drain(fixture.now);
  fixture.executor.job_held = false;
  std::string many;
  for (int n = 0; n < 10; ++n) many += use;
  fixture.receive(many);
  fixture.run();
  CHECK(fixture.executor.executed.size() == 10);
  CHECK(fixture.closed);
}

TEST_CASE("at the high watermark of replies commands pause, and at the low one they continue") {
  scripted_conversation fixture{{.reply_bytes_max = 20}};
  fixture.client_capacity = 0;
  std::string many;
  for (int n = 0; n < 10; ++n) many += use;
  fixture.receive(many);
  // Replies of 5 bytes: the fourth reaches 20.
  CHECK(fixture.executor.executed.size() == 4);
  CHECK(fixture.talk.current() == state::read_paused);
  CHECK_FALSE(fixture.talk.wants_input());
  CHECK(fixture.context.counts.unread.active() == 1);
  fixture.client_reads(9);
  CHECK_FALSE(fixture.talk.wants_turn());
  fixture.client_reads(1);
  CHECK(fixture.talk.wants_turn());
  fixture.run();
  CHECK(fixture.executor.executed.size() == 6);
  fixture.client_reads(1'000);
  fixture.run();
  CHECK(fixture.executor.executed.size() == 10);
  CHECK(fixture.talk.wants_input());
  CHECK(fixture.context.counts.unread.active() == 0);
}

TEST_CASE("pauses are counted by their cause") {
  const auto pauses = [](scripted_conversation& fixture, beanstalk::read_pause cause) {
    return fixture.context.counts.read_pauses[static_cast<std::size_t>(cause)].value();
  };
  scripted_conversation unread{{.reply_bytes_max = 5}};
  unread.client_capacity = 0;
  unread.receive(use);
  CHECK(pauses(unread, beanstalk::read_pause::unread_replies) == 1);
  CHECK(pauses(unread, beanstalk::read_pause::write_backlog) == 0);

  scripted_conversation behind;
  behind.executor.backlog_max = 1;
  behind.receive("delete 1\r\ndelete 2\r\ndelete 3\r\n");
  CHECK(behind.executor.executed.size() == 2);
  CHECK(behind.talk.current() == state::read_paused);
  CHECK(behind.talk.awaits_commit());
  CHECK(pauses(behind, beanstalk::read_pause::unread_replies) == 0);
  CHECK(pauses(behind, beanstalk::read_pause::write_backlog) == 1);
  behind.commit();
  behind.run();
  CHECK(behind.executor.executed.size() == 3);
}

TEST_CASE("behind a command that waits input is wanted up to its limit") {
  scripted_conversation fixture{{.input_bytes_max = 2 * use.size()}};
  fixture.receive(reserve);
  fixture.receive(use);
  CHECK(fixture.talk.wants_input());
  fixture.receive(use.substr(0, use.size() - 1));
  CHECK(fixture.talk.wants_input());
  fixture.receive(use.substr(use.size() - 1));
  CHECK_FALSE(fixture.talk.wants_input());
  fixture.decide();
  fixture.run();
  CHECK(fixture.talk.wants_input());
  CHECK(fixture.executor.executed == commands{"reserve", "use", "use"});
}

TEST_CASE("while the memory of all clients is used up each gets one reply at a time") {
  scripted_conversation fixture{{.all_held_bytes_max = 1'000}};
  fixture.context.counts.held_bytes = 1'000;
  fixture.client_capacity = 0;
  fixture.receive("use a\r\nuse b\r\n");
  CHECK(fixture.executor.executed.size() == 1);
  CHECK(fixture.talk.current() == state::read_paused);
  fixture.client_reads(5);
  fixture.run();
  CHECK(fixture.executor.executed.size() == 2);
}

TEST_CASE("a turn has a limit, and what is left is executed at the next ones") {
  scripted_conversation fixture;
  constexpr std::size_t more_than_a_turn = 5'000;
  std::string many;
  for (std::size_t n = 0; n < more_than_a_turn; ++n) many += use;
  fixture.receive(many);
  CHECK(fixture.executor.executed.size() == 4'096);
  CHECK(fixture.talk.current() == state::yielded);
  CHECK(fixture.talk.wants_turn());
  fixture.run();
  CHECK(fixture.executor.executed.size() == more_than_a_turn);
}

TEST_CASE("a command that is done in parts holds back what is behind it") {
  scripted_conversation fixture;
  fixture.executor.parts = 3;
  fixture.receive("list-tubes\r\nuse a\r\n");
  CHECK(fixture.take().empty());
  fixture.talk.proceed(fixture.now);
  CHECK(fixture.executor.executed == commands{"list-tubes"});
  fixture.run();
  CHECK(fixture.take() == "LIST\r\nuse\r\n");
}

TEST_CASE("an abandoned conversation holds no memory and pauses nothing") {
  scripted_conversation fixture{{.reply_bytes_max = 5}};
  fixture.client_capacity = 0;
  fixture.receive("use a\r\nuse b\r\n");
  REQUIRE(fixture.context.counts.held_bytes > 0);
  fixture.talk.abandon(fixture.now);
  CHECK(fixture.context.counts.held_bytes == 0);
  CHECK(fixture.context.counts.unread.active() == 0);
  CHECK(fixture.talk.current() == state::closing);
}
