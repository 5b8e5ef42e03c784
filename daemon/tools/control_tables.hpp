#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>

/// The answers of the control API as text for people.
namespace millrace::tools {

[[nodiscard]] std::string status_text(const boost::json::object& status);
[[nodiscard]] std::string tasks_text(const boost::json::object& answer);
[[nodiscard]] std::string queues_text(const boost::json::object& answer);
[[nodiscard]] std::string queue_text(const boost::json::object& queue);
[[nodiscard]] std::string job_text(const boost::json::object& job);
[[nodiscard]] std::string jobs_text(const boost::json::object& answer);
[[nodiscard]] std::string cancelled_text(const boost::json::object& answer);
[[nodiscard]] std::string group_text(const boost::json::object& group);
[[nodiscard]] std::string actions_text(const boost::json::object& answer);
[[nodiscard]] std::string action_text(const boost::json::object& action);
[[nodiscard]] std::string reload_text(const boost::json::object& answer);

/// Rows as lines whose columns are aligned; columns of numbers to the right. The first row is the heading.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace millrace::tools
