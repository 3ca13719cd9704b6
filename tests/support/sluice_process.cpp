#include "tests/support/sluice_process.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

namespace sluice::support {
namespace {

constexpr int start_attempts = 5;

}  // namespace

SluiceProcess::SluiceProcess(ConfigText config)
    : config_(std::move(config)),
      chooses_listener_(config_.listeners.empty()),
      chooses_admin_(config_.admin_address.empty()) {
  std::filesystem::create_directory(file("state"));
  for (int attempt = 1;; ++attempt) {
    choose_addresses();
    if (start()) return;
    const std::string log = operational_log();
    if (attempt == start_attempts || log.find("in use") == std::string::npos)
      throw Failure("sluice does not start:\n" + log);
    std::filesystem::remove(file("stderr"));
  }
}

SluiceProcess::~SluiceProcess() {
  child_.kill();
  const std::string log = operational_log();
  for (const char* complaint : {"Sanitizer:", "runtime error:", "Assertion"})
    if (log.find(complaint) != std::string::npos) ADD_FAILURE() << log;
}

void SluiceProcess::choose_addresses() {
  if (chooses_listener_) config_.listeners = {free_address()};
  if (chooses_admin_) config_.admin_address = free_address();
  write_file(file("config.toml"), config_.text(file("state")));
}

bool SluiceProcess::start() {
  child_ =
      ChildProcess({program_path(), "run", file("config.toml")}, file("stdout"), file("stderr"));
  const bool came = eventually([this] { return child_.has_ended() || readiness() == 200; });
  if (!came) throw Failure("sluice does not become ready:\n" + operational_log());
  return !child_.has_ended();
}

void SluiceProcess::restart() {
  child_.kill();
  if (!start()) throw Failure("sluice does not start again:\n" + operational_log());
}

void SluiceProcess::restart(ConfigText config) {
  config.listeners = config_.listeners;
  config.admin_address = config_.admin_address;
  config_ = std::move(config);
  write_file(file("config.toml"), config_.text(file("state")));
  restart();
}

unsigned SluiceProcess::readiness() const {
  try {
    return admin().get("/readyz").status;
  } catch (const Failure&) {
    return 0;
  }
}

std::size_t SluiceProcess::open_fds() const {
  const std::filesystem::directory_iterator fds("/proc/" + std::to_string(pid()) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(fds), end(fds)));
}

bool SluiceProcess::logs(std::string_view text, Clock::duration limit) const {
  return eventually([&] { return operational_log().find(text) != std::string::npos; }, limit);
}

std::vector<boost::json::object> SluiceProcess::access_log(std::size_t at_least) const {
  std::vector<boost::json::object> lines;
  const bool came = eventually([&] {
    lines.clear();
    std::istringstream in(read_file(file("stdout")));
    for (std::string line; std::getline(in, line) && !in.eof();)
      lines.push_back(boost::json::parse(line).as_object());
    return lines.size() >= at_least;
  });
  if (!came) throw Failure("the access log has only:\n" + read_file(file("stdout")));
  return lines;
}

}  // namespace sluice::support
