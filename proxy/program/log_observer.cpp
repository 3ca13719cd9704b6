#include "proxy/program/log_observer.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "proxy/json_writer.hpp"

namespace sluice::proxy::program {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::critical:
      return spdlog::level::critical;
  }
  return spdlog::level::info;
}

spdlog::level::level_enum level_named(const std::string& name) {
  return spdlog::level::from_str(name == "warn" ? "warning" : name);
}

}  // namespace

void LogObserver::on_log(LogLevel level, std::string_view line) {
  spdlog::log(level_of(level), "{}", line);
}

void LogObserver::on_audit(const Audit& audit) {
  JsonWriter line;
  line.open_object().key("change").text(audit.change).key("subject").text(audit.subject);
  line.key("who").text(audit.who).key("from").text(audit.from);
  line.key("before").text(audit.before).key("after").text(audit.after).close_object();
  spdlog::info("audit {}", line.str());
}

void LogObserver::on_reload(const ReloadNotice& notice) {
  if (notice.problems.empty()) spdlog::set_level(level_named(notice.log.level));
}

void LogObserver::on_stopped(std::size_t) {
  if (on_end_) on_end_();
}

void open_log(const std::string& level) {
  auto logger = spdlog::stderr_logger_mt("sluice");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(level_named(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace sluice::proxy::program
