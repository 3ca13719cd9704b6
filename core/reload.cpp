#include "core/reload.hpp"

#include <string>

#include "core/difference_values.hpp"
#include "core/quoted.hpp"

namespace sluice::core {
namespace {

void check_same(const std::string& where, const std::string& running, const std::string& next,
                std::vector<Problem>& problems) {
  if (running == next) return;
  problems.push_back({where, "It is " + running + " in the running proxy and " + next +
                                 " in the new settings; changing it takes a restart."});
}

}  // namespace

std::vector<Problem> check_reload(const Settings& running, const Settings& next) {
  std::vector<Problem> problems;
  check_same("server.workers", std::to_string(running.server.workers),
             std::to_string(next.server.workers), problems);
  check_same("server.io_uring", quoted(value_text(running.server.io_uring)),
             quoted(value_text(next.server.io_uring)), problems);
  check_same("server.state_dir", quoted(running.server.state_dir), quoted(next.server.state_dir),
             problems);
  check_same("admin.address", quoted(running.admin.address), quoted(next.admin.address), problems);
  check_same("admin.token_file", quoted(running.admin.token_file), quoted(next.admin.token_file),
             problems);
  check_same("log.access", quoted(running.log.access), quoted(next.log.access), problems);
  return problems;
}

}  // namespace sluice::core
