#include "proxy/program/run.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>

#include "proxy/program/log_observer.hpp"
#include "sluice/conf.hpp"
#include "sluice/metrics.hpp"
#include "sluice/proxy.hpp"

namespace sluice::proxy::program {
namespace {

/// Prints what is wrong with a file. True when nothing is.
bool report(const conf::Parsed& parsed, const std::string& file) {
  for (const conf::Diagnostic& problem : parsed.problems) {
    std::cerr << conf::to_string(problem) << "\n";
  }
  if (parsed.ok()) return true;
  const std::size_t count = parsed.problems.size();
  std::cerr << file << ": " << count << (count == 1 ? " problem" : " problems") << "\n";
  return false;
}

/// Signals as a descriptor, blocked in every thread that starts later.
int block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

void obey(Proxy& proxy, unsigned signal) {
  switch (signal) {
    case SIGTERM:
    case SIGINT:
      proxy.stop();
      break;
    case SIGUSR1:
      spdlog::info("SIGUSR1: opening the access log anew");
      proxy.reopen_logs();
      break;
    case SIGHUP:
      spdlog::warn("SIGHUP: this version does not reload; restart it to read the file again");
      break;
    default:
      break;
  }
}

void obey_until_stopped(Proxy& proxy, int signals, int stopped) {
  std::array<pollfd, 2> ready{pollfd{signals, POLLIN, 0}, pollfd{stopped, POLLIN, 0}};
  for (;;) {
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;
    if (ready[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals, &info, sizeof(info)) == sizeof(info)) obey(proxy, info.ssi_signo);
  }
}

}  // namespace

int check(const std::string& file) {
  if (!report(conf::read_file(file), file)) return 1;
  std::cout << file << ": ok\n";
  return 0;
}

int run(const std::string& file) {
  const conf::Parsed parsed = conf::read_file(file);
  if (!report(parsed, file)) return 1;
  open_log(parsed.settings.log.level);
  const int signals = block_signals();
  const int stopped = eventfd(0, EFD_CLOEXEC);

  metrics::Exporter exporter;
  Proxy::Options options;
  options.render_metrics = [&exporter](const Snapshot& snapshot) {
    return exporter.render(snapshot, std::chrono::steady_clock::now());
  };
  options.observer = std::make_shared<LogObserver>([stopped] {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(stopped, &one, sizeof(one)));
  });
  Proxy proxy(parsed.settings, std::move(options));
  const auto problems = proxy.start();
  for (const Problem& problem : problems) {
    std::cerr << file << ": " << problem.where << ": " << problem.what << "\n";
  }
  if (!problems.empty()) return 1;
  obey_until_stopped(proxy, signals, stopped);
  proxy.wait();
  ::close(signals);
  ::close(stopped);
  return 0;
}

}  // namespace sluice::proxy::program
