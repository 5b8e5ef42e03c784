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
  scripted_conversation at{{.reply_bytes_max = 20}};
  at.executor.job_held = true;
  at.context.draining = true;
  at.talk.drain(at.now);
  at.executor.job_held = false;
  std::string many;
  for (int n = 0; n < 10; ++n) many += use;
  at.receive(many);
  at.run();
  CHECK(at.executor.executed.size() == 10);
  CHECK(at.closed);
}

TEST_CASE("at the high watermark of replies commands pause, and at the low one they continue") {
  scripted_conversation at{{.reply_bytes_max = 20}};
  at.client_capacity = 0;
  std::string many;
  for (int n = 0; n < 10; ++n) many += use;
  at.receive(many);
  // Replies of 5 bytes: the fourth reaches 20.
  CHECK(at.executor.executed.size() == 4);
  CHECK(at.talk.current() == state::read_paused);
  CHECK_FALSE(at.talk.wants_input());
  CHECK(at.context.counts.unread.active() == 1);
  at.client_reads(9);
  CHECK_FALSE(at.talk.wants_turn());
  at.client_reads(1);
  CHECK(at.talk.wants_turn());
  at.run();
  CHECK(at.executor.executed.size() == 6);
  at.client_reads(1'000);
  at.run();
  CHECK(at.executor.executed.size() == 10);
  CHECK(at.talk.wants_input());
  CHECK(at.context.counts.unread.active() == 0);
}

TEST_CASE("pauses are counted by their cause") {
  const auto pauses = [](scripted_conversation& at, beanstalk::read_pause cause) {
    return at.context.counts.read_pauses[static_cast<std::size_t>(cause)].value();
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
  scripted_conversation at{{.input_bytes_max = 2 * use.size()}};
  at.receive(reserve);
  at.receive(use);
  CHECK(at.talk.wants_input());
  at.receive(use.substr(0, use.size() - 1));
  CHECK(at.talk.wants_input());
  at.receive(use.substr(use.size() - 1));
  CHECK_FALSE(at.talk.wants_input());
  at.decide();
  at.run();
  CHECK(at.talk.wants_input());
  CHECK(at.executor.executed == commands{"reserve", "use", "use"});
}

TEST_CASE("while the memory of all clients is used up each gets one reply at a time") {
  scripted_conversation at{{.all_held_bytes_max = 1'000}};
  at.context.counts.held_bytes = 1'000;
  at.client_capacity = 0;
  at.receive("use a\r\nuse b\r\n");
  CHECK(at.executor.executed.size() == 1);
  CHECK(at.talk.current() == state::read_paused);
  at.client_reads(5);
  at.run();
  CHECK(at.executor.executed.size() == 2);
}

TEST_CASE("a turn has a limit, and what is left is executed at the next ones") {
  scripted_conversation at;
  constexpr std::size_t more_than_a_turn = 5'000;
  std::string many;
  for (std::size_t n = 0; n < more_than_a_turn; ++n) many += use;
  at.receive(many);
  CHECK(at.executor.executed.size() == 4'096);
  CHECK(at.talk.current() == state::yielded);
  CHECK(at.talk.wants_turn());
  at.run();
  CHECK(at.executor.executed.size() == more_than_a_turn);
}

TEST_CASE("a command that is done in parts holds back what is behind it") {
  scripted_conversation at;
  at.executor.parts = 3;
  at.receive("list-tubes\r\nuse a\r\n");
  CHECK(at.take().empty());
  at.talk.proceed(at.now);
  CHECK(at.executor.executed == commands{"list-tubes"});
  at.run();
  CHECK(at.take() == "LIST\r\nuse\r\n");
}

TEST_CASE("an abandoned conversation holds no memory and pauses nothing") {
  scripted_conversation at{{.reply_bytes_max = 5}};
  at.client_capacity = 0;
  at.receive("use a\r\nuse b\r\n");
  REQUIRE(at.context.counts.held_bytes > 0);
  at.talk.abandon(at.now);
  CHECK(at.context.counts.held_bytes == 0);
  CHECK(at.context.counts.unread.active() == 0);
  CHECK(at.talk.current() == state::closing);
}
