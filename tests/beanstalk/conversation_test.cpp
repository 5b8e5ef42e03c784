#include "beanstalk/conversation.hpp"

#include <string>
#include <vector>

#include "beanstalk/scripted_conversation.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::commands;
using testing::reserve;
using testing::scripted_conversation;
using testing::use;
using state = beanstalk::conversation::state;

namespace {

/// Brings a conversation into a state by the events that a client and the broker can cause.
void bring_into(state wanted, scripted_conversation& at) {
  switch (wanted) {
    case state::idle:
      return;
    case state::blocked:
      return at.receive(reserve);
    case state::yielded:
      at.executor.parts = 3;
      return at.receive("list-tubes\r\n");
    case state::read_paused:
      at.client_capacity = 0;
      return at.receive("use a\r\nuse b\r\n");
    case state::closing:
      at.client_capacity = 0;
      at.receive(use);
      return at.talk.finish(at.now);
  }
}

const beanstalk::session_limits four_bytes_of_replies{.reply_bytes_max = 4};

}  // namespace

TEST_CASE("each state answers each event as the transition table says") {
  // NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order in which a row is read
  struct transition {
    state from;
    std::string_view event;
    state to;
    commands executed;  ///< by the event
  };
  const transition table[] = {
      {state::idle, "bytes", state::read_paused, {"use"}},
      {state::idle, "turn", state::idle, {}},
      {state::idle, "drain", state::closing, {}},
      {state::idle, "finish", state::closing, {}},
      {state::idle, "end of input", state::closing, {}},
      {state::idle, "abandon", state::closing, {}},
      {state::blocked, "bytes", state::blocked, {}},
      {state::blocked, "decision", state::idle, {}},
      {state::blocked, "decision in a drain", state::closing, {}},
      {state::blocked, "drain", state::closing, {}},
      {state::blocked, "finish", state::closing, {}},
      {state::blocked, "end of input", state::closing, {}},
      {state::blocked, "shutdown while unread", state::yielded, {}},
      {state::blocked, "abandon", state::closing, {}},
      {state::yielded, "bytes", state::yielded, {}},
      {state::yielded, "turn", state::yielded, {}},
      {state::yielded, "last turn", state::idle, {}},
      {state::yielded, "abandon", state::closing, {}},
      {state::yielded, "drain", state::yielded, {}},
      {state::yielded, "finish", state::closing, {}},
      {state::yielded, "end of input", state::yielded, {}},
      {state::read_paused, "bytes", state::read_paused, {}},
      {state::read_paused, "client reads one reply", state::read_paused, {"use"}},
      {state::read_paused, "client reads all", state::idle, {"use"}},
      {state::read_paused, "abandon", state::closing, {}},
      {state::read_paused, "drain", state::read_paused, {}},
      {state::read_paused, "finish", state::closing, {}},
      {state::read_paused, "end of input", state::read_paused, {}},
      {state::closing, "bytes", state::closing, {}},
      {state::closing, "drain", state::closing, {}},
      {state::closing, "finish", state::closing, {}},
      {state::closing, "end of input", state::closing, {}},
      {state::closing, "abandon", state::closing, {}},
  };
  for (const auto& [from, event, to, executed] : table) {
    INFO("state " << static_cast<int>(from) << ", event " << event);
    scripted_conversation at{four_bytes_of_replies};
    bring_into(from, at);
    REQUIRE(at.talk.current() == from);
    at.executor.executed.clear();
    if (event == "bytes") {
      at.client_capacity = 0;
      at.receive(use);
    } else if (event == "turn") {
      if (at.talk.wants_turn()) at.talk.proceed(at.now);
    } else if (event == "last turn") {
      at.run();
    } else if (event == "abandon") {
      at.talk.abandon(at.now);
    } else if (event == "decision") {
      at.decide();
      at.run();
    } else if (event == "decision in a drain") {
      at.context.draining = true;
      at.decide();
      at.talk.proceed(at.now);
    } else if (event == "drain") {
      at.context.draining = true;
      at.talk.drain(at.now);
    } else if (event == "finish") {
      at.talk.finish(at.now);
    } else if (event == "end of input") {
      at.talk.end_input(at.now);
    } else if (event == "shutdown while unread") {
      at.talk.on_peer_shutdown();
      at.talk.stop_waiting(at.now);
    } else if (event == "client reads one reply") {
      at.client_reads(std::string_view{"use\r\n"}.size());
      at.run();
    } else if (event == "client reads all") {
      at.client_reads(1'000);
      at.run();
    }
    at.flush();
    CHECK(at.talk.current() == to);
    CHECK(at.executor.executed == executed);
  }
}

TEST_CASE("a put is executed once, however it is cut, and not before its last byte") {
  const std::string_view bytes = "use a\r\nput 0 0 60 5\r\nhello\r\nuse b\r\n";
  const std::size_t end_of_put = bytes.find("use b");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    INFO("cut at " << cut);
    scripted_conversation at;
    at.executor.durable = 100;
    at.receive(bytes.substr(0, cut));
    const bool complete = cut >= end_of_put;
    CHECK((at.read_by_client.find("INSERTED") != std::string::npos) == complete);
    at.receive(bytes.substr(cut));
    CHECK(at.take() == "use\r\nINSERTED hello\r\nuse\r\n");
    CHECK(at.executor.executed == commands{"use", "put", "use"});
  }
}

TEST_CASE("a put that is cut by the end of input is not executed") {
  const std::string_view bytes = "put 0 0 60 5\r\nhello\r\n";
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    scripted_conversation at;
    at.receive(bytes.substr(0, cut));
    at.talk.end_input(at.now);
    at.flush();
    CHECK(at.executor.executed.empty());
    CHECK(at.closed);
  }
}

TEST_CASE("replies of one pipeline leave with their own commits and never overtake each other") {
  scripted_conversation at;
  at.receive("use a\r\nput 0 0 60 1\r\n1\r\nuse b\r\ndelete 1\r\nput 0 0 60 1\r\n2\r\n");
  CHECK(at.take() == "use\r\n");
  CHECK(at.talk.awaits_commit());
  CHECK(at.context.counts.held_bytes > 0);
  at.executor.durable = 1;
  at.flush();
  CHECK(at.take() == "INSERTED 1\r\nuse\r\n");
  at.executor.durable = 3;
  at.flush();
  CHECK(at.take() == "DELETED\r\nINSERTED 2\r\n");
  CHECK_FALSE(at.talk.awaits_commit());
  CHECK(at.context.counts.held_bytes == 0);
}

TEST_CASE("a decision's reply waits for its own receipt, and so does what follows it") {
  scripted_conversation at;
  at.receive("reserve\r\nuse a\r\n");
  at.executor.newest_batch = 7;
  at.decide(7);
  CHECK(at.talk.wants_turn());
  at.run();
  CHECK(at.executor.executed == commands{"reserve", "use"});
  CHECK(at.take().empty());
  at.commit();
  CHECK(at.take() == "RESERVED\r\nuse\r\n");
}

TEST_CASE("held replies that can never be durable are lost; a conversation without them is not") {
  scripted_conversation at, other;
  at.executor.store_failed = other.executor.store_failed = true;
  at.receive("put 0 0 60 1\r\n1\r\n");
  other.receive(use);
  CHECK(at.lost);
  CHECK(at.take().empty());
  CHECK_FALSE(other.lost);
}

TEST_CASE("after a half-close a reserve ends at once, and the commands before the end are answered") {
  scripted_conversation at;
  at.talk.on_peer_shutdown();
  at.receive("reserve\r\nuse a\r\n");
  CHECK(at.take() == "TIMED_OUT\r\nuse\r\n");
  CHECK_FALSE(at.closed);
  at.talk.end_input(at.now);
  at.flush();
  CHECK(at.closed);
}

TEST_CASE("a decision that came before the half-close is delivered") {
  scripted_conversation at;
  at.receive("reserve\r\nuse a\r\n");
  at.decide();
  at.talk.end_input(at.now);
  at.flush();
  CHECK(at.executor.given_up == 0);
  at.run();
  CHECK(at.take() == "RESERVED\r\nuse\r\n");
  CHECK(at.closed);
}

TEST_CASE("after a half-close a command that waits for a body from disk gets its decision") {
  scripted_conversation at;
  at.executor.can_give_up = false;
  at.receive(reserve);
  at.talk.end_input(at.now);
  at.flush();
  CHECK_FALSE(at.closed);
  at.decide();
  at.run();
  CHECK(at.take() == "RESERVED\r\n");
  CHECK(at.closed);
}

TEST_CASE("a drain withdraws a command that waits, executes what is behind it, and closes") {
  scripted_conversation at;
  at.receive("reserve\r\nuse a\r\n");
  at.context.draining = true;
  at.talk.drain(at.now);
  at.flush();
  CHECK(at.take() == "TIMED_OUT\r\nuse\r\n");
  CHECK(at.closed);
}

TEST_CASE("a drain keeps the connection of a client that holds a job until the job has ended") {
  scripted_conversation at;
  at.executor.job_held = true;
  at.context.draining = true;
  at.talk.drain(at.now);
  at.flush();
  CHECK_FALSE(at.closed);
  CHECK(at.talk.has_work());
  at.executor.job_held = false;
  at.talk.drain(at.now);
  at.flush();
  CHECK(at.closed);
}

TEST_CASE("a drain keeps a decision that came before it") {
  scripted_conversation at;
  at.receive(reserve);
  at.decide();
  at.context.draining = true;
  at.talk.drain(at.now);
  at.flush();
  CHECK_FALSE(at.closed);
  at.run();
  CHECK(at.take() == "RESERVED\r\n");
}

TEST_CASE("finish closes after all replies are written, also those that wait for a commit") {
  scripted_conversation at;
  at.receive("put 0 0 60 1\r\n1\r\n");
  at.talk.finish(at.now);
  at.flush();
  CHECK_FALSE(at.closed);
  at.commit();
  CHECK(at.take() == "INSERTED 1\r\n");
  CHECK(at.closed);
}

TEST_CASE("what is behind a quit is ignored") {
  scripted_conversation at;
  at.receive("use a\r\nquit\r\nuse b\r\n");
  CHECK(at.take() == "use\r\n");
  CHECK(at.closed);
  CHECK(at.executor.executed == commands{"use", "quit"});
}

TEST_CASE("a refused line is answered and what follows is executed") {
  scripted_conversation at;
  at.receive("nonsense\r\nuse a\r\n");
  CHECK(at.take() == "REFUSED\r\nuse\r\n");
}

TEST_CASE("the client has spoken with its first whole line, not with half of one") {
  scripted_conversation at;
  at.receive("put 0 0 60");
  CHECK_FALSE(at.talk.has_spoken());
  at.receive(" 10\r\n");
  CHECK(at.talk.has_spoken());
}
