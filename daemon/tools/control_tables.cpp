#include "tools/control_tables.hpp"

#include <algorithm>
#include <string_view>

#include "base/utf8.hpp"
#include "tools/json_text.hpp"

namespace millrace::tools {

namespace json = boost::json;

namespace {

using row = std::vector<std::string>;

bool is_number(std::string_view text) {
  return text == "-" || text.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

std::string table(const std::vector<row>& rows) {
  constexpr std::string_view gap = "  ";
  std::string text;
  if (rows.empty()) return text;
  const std::size_t columns = rows.front().size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> numeric(columns, rows.size() > 1);
  for (const auto& line : rows) {
    for (std::size_t n = 0; n < columns; ++n) {
      widths[n] = std::max(widths[n], utf8_character_count(line[n]));
      if (&line != &rows.front() && !is_number(line[n])) numeric[n] = false;
    }
  }
  for (const auto& line : rows) {
    std::string shown;
    for (std::size_t n = 0; n < columns; ++n) {
      const std::string fill(widths[n] - utf8_character_count(line[n]), ' ');
      if (n > 0) shown += gap;
      shown += numeric[n] ? fill + line[n] : line[n] + fill;
    }
    text += shown.substr(0, shown.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

std::string status_text(const json::object& status) {
  std::string text = "millrace " + text_of(status, "version") + ", process " + text_of(status, "pid") +
                     ", running for " + time_of(status, "uptime_seconds") + "\n";
  const auto problem = text_of(status, "problem");
  std::vector<row> rows{{"state", text_of(status, "state") + (problem == "-" ? ", ready" : ", not ready: " + problem)}};
  rows.push_back({"settings", text_of(status, "settings_file")});
  const auto& store = object_of(status, "store");
  rows.push_back({"store", store.empty() ? "none: queues are in memory"
                                         : text_of(store, "data_dir") + ", " + text_of(store, "state")});
  for (const auto& one : array_of(status, "listeners")) {
    const auto& listener = one.as_object();
    rows.push_back({text_of(listener, "name"),
                    text_of(listener, "address") + ", " + count_of(listener, "connections", "connection")});
  }
  const auto& jobs = object_of(status, "jobs");
  rows.push_back({"jobs", text_of(jobs, "ready") + " ready, " + text_of(jobs, "reserved") + " reserved, " +
                              text_of(jobs, "delayed") + " delayed, " + text_of(jobs, "buried") + " buried in " +
                              count_of(status, "queues", "queue")});
  return text + table(rows);
}

std::string tasks_text(const json::object& answer) {
  std::vector<row> rows{{"TASK", "AGE", "TURNS", "CREATED BY", "JOB", "JOB AGE", "WAITS FOR"}};
  for (const auto& one : array_of(answer, "tasks")) {
    const auto& task = one.as_object();
    const auto& job = object_of(task, "job");
    const auto progress = task.contains("progress") ? ": " + text_of(task, "progress") : std::string{};
    rows.push_back({text_of(task, "name"), time_of(task, "age_seconds"), text_of(task, "turns"),
                    text_of(task, "created_by"), text_of(job, "name"), job.empty() ? "" : time_of(job, "age_seconds"),
                    text_of(task, "waits_for") + progress});
  }
  return table(rows);
}

std::string queues_text(const json::object& answer) {
  std::vector<row> rows{
      {"QUEUE", "READY", "RESERVED", "DELAYED", "BURIED", "OLDEST READY", "PUTS/S", "ENDS/S", "WAITING", "PAUSED"}};
  for (const auto& one : array_of(answer, "queues")) {
    const auto& queue = one.as_object();
    const auto& jobs = object_of(queue, "jobs");
    const auto& rates = object_of(queue, "rates");
    rows.push_back({text_of(queue, "name"), text_of(jobs, "ready"), text_of(jobs, "reserved"), text_of(jobs, "delayed"),
                    text_of(jobs, "buried"), time_of(object_of(queue, "oldest_seconds"), "ready"),
                    rate_of(object_of(rates, "puts"), "1m"), rate_of(object_of(rates, "ends"), "1m"),
                    text_of(object_of(queue, "clients"), "waiting"),
                    object_of(queue, "paused").empty() ? "" : "paused"});
  }
  return table(rows);
}

std::string queue_text(const json::object& queue) {
  const auto& jobs = object_of(queue, "jobs");
  const auto& oldest = object_of(queue, "oldest_seconds");
  std::vector<row> states{{"STATE", "JOBS", "OLDEST"}};
  for (const char* const state : {"ready", "reserved", "delayed", "buried"})
    states.push_back({state, text_of(jobs, state), time_of(oldest, state)});
  std::vector<row> rates{{"JOBS/S", "1 MIN", "5 MIN", "15 MIN"}};
  for (const char* const kind : {"puts", "reserves", "ends"}) {
    const auto& rate = object_of(object_of(queue, "rates"), kind);
    rates.push_back({kind, rate_of(rate, "1m"), rate_of(rate, "5m"), rate_of(rate, "15m")});
  }
  const auto& limits = object_of(queue, "limits");
  const auto& clients = object_of(queue, "clients");
  const auto& paused = object_of(queue, "paused");
  const auto left = time_of(paused, "left_seconds");
  const std::vector<row> facts{
      {"limits", text_of(limits, "max_jobs") + " jobs, " + text_of(limits, "max_bytes") + " bytes, " +
                     text_of(limits, "overflow") + ", " + text_of(limits, "durability")},
      {"bytes", text_of(queue, "bytes")},
      {"clients", text_of(clients, "using") + " using, " + text_of(clients, "watching") + " watching, " +
                      text_of(clients, "waiting") + " waiting"},
      {"waiting puts", text_of(queue, "waiting_puts")},
      {"paused", paused.empty() ? "no"
                 : left == "-"  ? "until it is resumed"
                                : "for another " + left}};
  return "queue " + text_of(queue, "name") + "\n" + table(facts) + "\n" + table(states) + "\n" + table(rates);
}

namespace {

/// The body of a job, if it is shown.
std::string body_text(const json::object& job) {
  if (job.contains("body")) return "\n" + text_of(job, "body") + "\n";
  if (job.contains("body_base64")) return "\nbase64: " + text_of(job, "body_base64") + "\n";
  return {};
}

}  // namespace

std::string job_text(const json::object& job) {
  std::vector<row> facts{
      {"queue", text_of(job, "queue")},
      {"state", text_of(job, "state")},
      {"put at", text_of(job, "put_at") + ", " + time_of(job, "age") + " ago"},
      {"priority", text_of(job, "priority")},
      {"bytes", text_of(job, "bytes")},
      {"counts", text_of(job, "deliveries") + (text_of(job, "deliveries") == "1" ? " delivery, " : " deliveries, ") +
                     count_of(job, "failures", "failure") + ", " + count_of(job, "interruptions", "interruption")}};
  const auto add = [&](const char* title, const char* key) {
    if (job.contains(key)) facts.push_back({title, text_of(job, key)});
  };
  if (job.contains("ttr")) {
    facts.push_back({"ttr", time_of(job, "ttr")});
    facts.push_back({"history", count_of(job, "timeouts", "timeout") + ", " + count_of(job, "releases", "release") +
                                    ", " + count_of(job, "kicks", "kick") + ", " + text_of(job, "laters") + " later"});
  }
  for (const auto& [title, key] : {std::pair{"ready at", "due_at"},
                                   {"expires at", "expires_at"},
                                   {"held by", "held_by"},
                                   {"held since", "held_since"},
                                   {"lease until", "lease_until"},
                                   {"origin", "origin"},
                                   {"reason", "reason"},
                                   {"first failure", "first_failure"},
                                   {"last failure", "last_failure"},
                                   {"group", "group"},
                                   {"error", "error"}})
    add(title, key);
  return "job " + text_of(job, "id") + "\n" + table(facts) + body_text(job);
}

std::string jobs_text(const json::object& answer) {
  std::vector<row> rows{{"JOB", "STATE", "PRIORITY", "BYTES", "AGE", "DELIVERIES", "FAILURES", "INTERRUPTIONS",
                         "REASON", "ORIGIN", "ERROR"}};
  std::string bodies;
  for (const auto& one : array_of(answer, "jobs")) {
    const auto& job = one.as_object();
    rows.push_back({text_of(job, "id"), text_of(job, "state"), text_of(job, "priority"), text_of(job, "bytes"),
                    time_of(job, "age"), text_of(job, "deliveries"), text_of(job, "failures"),
                    text_of(job, "interruptions"), text_of(job, "reason"), text_of(job, "origin"),
                    text_of(job, "error")});
    if (const auto body = body_text(job); !body.empty()) bodies += "\njob " + text_of(job, "id") + body;
  }
  return table(rows) + bodies;
}

std::string cancelled_text(const json::object& answer) {
  const auto& job = object_of(answer, "cancelled");
  return "job " + text_of(job, "id") + " of " + text_of(job, "queue") + ", " + text_of(job, "state") + ": cancelled\n";
}

std::string group_text(const json::object& group) {
  std::vector<row> facts;
  if (const auto name = text_of(group, "name"); !name.empty()) facts.push_back({"name", name});
  facts.push_back({"state", text_of(group, "state") + ", age " + time_of(group, "age_seconds")});
  facts.push_back({"ends with", text_of(group, "when") + "; the others: " + text_of(group, "remaining")});
  facts.push_back({"members", count_of(group, "jobs", "job") + ", " + text_of(group, "ended") + " ended, " +
                                  text_of(group, "ok") + " ok"});
  if (group.contains("then"))
    facts.push_back({"outcome", "for " + text_of(group, "then") +
                                    (text_of(group, "outcome_put") == "true" ? ", put" : ", not put yet")});
  if (group.contains("outer")) facts.push_back({"member of", "group " + text_of(group, "outer")});
  return "group " + text_of(group, "id") + "\n" + table(facts);
}

std::string actions_text(const json::object& answer) {
  std::vector<row> rows{{"ACTION", "KIND", "TARGET", "STATE", "DONE", "OF", "UNIT", "TIME"}};
  for (const auto& one : array_of(answer, "actions")) {
    const auto& action = one.as_object();
    rows.push_back({text_of(action, "id"), text_of(action, "kind"), text_of(action, "target"), text_of(action, "state"),
                    text_of(action, "done"), text_of(action, "total"), text_of(action, "unit"),
                    time_of(action, "seconds")});
  }
  return table(rows);
}

std::string action_text(const json::object& action) {
  std::string text = "action " + text_of(action, "id") + ", " + text_of(action, "kind") + " of " +
                     text_of(action, "target") + ": " + text_of(action, "state") + ", " +
                     (action.contains("dry_run") && text_of(action, "dry_run") == "true" ? "would change " : "") +
                     text_of(action, "done") + " of " + text_of(action, "total") + " " + text_of(action, "unit") +
                     " in " + time_of(action, "seconds") + "\n";
  if (const auto unchanged = text_of(action, "unchanged"); unchanged != "-" && unchanged != "0")
    text += unchanged + " more were found and stay: " +
            (text_of(action, "kind") == "redrive" ? "they are no dead letters, or their" : "the") +
            " queue cannot take them\n";
  if (text_of(action, "error") != "-") text += text_of(action, "error") + "\n";
  return text;
}

std::string reload_text(const json::object& answer) {
  std::string text = "settings " + text_of(answer, "result") + "\n";
  for (const auto& change : array_of(answer, "changes")) {
    if (change.is_string()) text += "  " + std::string{change.get_string()} + "\n";
  }
  for (const auto& one : array_of(answer, "complaints")) {
    const auto& complaint = one.as_object();
    const auto line = text_of(complaint, "line");
    if (line != "-") text += line + ":" + text_of(complaint, "column") + ": ";
    text += text_of(complaint, "key") + ": " + text_of(complaint, "message");
    const auto expected = text_of(complaint, "expected");
    text += expected.empty() || expected == "-" ? "\n" : " (expected " + expected + ")\n";
  }
  return text;
}

}  // namespace millrace::tools
