#include "tests/e2e/generations.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>

namespace sluice::e2e {

/// Who is replaced leaves a child behind, which this program has to wait for then.
Generations::Generations(SluiceProcess& sluice) : sluice_(sluice) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

Generations::~Generations() {
  for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
  sluice_.process().kill();
  for (const pid_t pid : pids_) {
    static_cast<void>(eventually([&] { return ::waitpid(pid, nullptr, WNOHANG) != 0; }));
  }
}

pid_t Generations::present() const {
  return static_cast<pid_t>(sluice_.admin().get("/v1/status").number("/pid"));
}

AdminAnswer Generations::upgrade(const std::string& body) {
  AdminAnswer answer = sluice_.admin().post("/v1/upgrade", body);
  if (answer.status == 200) note(static_cast<pid_t>(answer.number("/pid")));
  return answer;
}

testing::AssertionResult Generations::becomes_another(const std::string& body) {
  const pid_t before = present();
  const AdminAnswer answer = upgrade(body);
  if (answer.status != 200) return testing::AssertionFailure() << answer;
  const pid_t now = present();
  if (now == before || now != static_cast<pid_t>(answer.number("/pid"))) {
    return testing::AssertionFailure() << before << " became " << now << ": " << answer;
  }
  return testing::AssertionSuccess();
}

int Generations::wait_exit(pid_t pid, Clock::duration limit) {
  if (pid == sluice_.pid()) return sluice_.process().wait_exit(limit);
  int status = 0;
  pid_t ended = 0;
  if (!eventually([&] { return (ended = ::waitpid(pid, &status, WNOHANG)) != 0; }, limit)) {
    throw Failure("process " + std::to_string(pid) + " does not end");
  }
  std::erase(pids_, pid);
  if (ended < 0) throw Failure("process " + std::to_string(pid) + " is no child of the test");
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool Generations::is_alone(Clock::duration limit) const {
  return eventually([&] { return sluice_.admin().get("/v1/status").at("/predecessor").is_null(); },
                    limit);
}

}  // namespace sluice::e2e
