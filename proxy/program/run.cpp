#include "proxy/program/run.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "proxy/handover_door.hpp"
#include "proxy/program/file_watch.hpp"
#include "proxy/program/loop_observer.hpp"
#include "proxy/program/predecessor.hpp"
#include "proxy/succession.hpp"
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

/// The first problem of a file, and how many there are.
std::string in_words(const conf::Parsed& parsed) {
  std::string text = conf::to_string(parsed.problems.front());
  const std::size_t more = parsed.problems.size() - 1;
  if (more > 0) text += " (and " + std::to_string(more) + " more)";
  return text;
}

/// Signals as a descriptor, blocked in every thread that starts later.
int block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

SettingsSource as_source(conf::Parsed parsed) {
  SettingsSource source{std::move(parsed.text), std::move(parsed.settings), {}};
  for (const conf::Diagnostic& problem : parsed.problems) {
    source.problems.push_back(
        {problem.file + ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column),
         problem.message});
  }
  return source;
}

/// Reads the file anew, or a text that it once had.
ReadSettings reader_of(const std::string& file) {
  return [file](const std::optional<std::string>& text) {
    return as_source(text ? conf::parse(*text, file) : conf::read_file(file));
  };
}

/// What comes of it is in the log, but for a refusal that is not about the settings.
void reload(Proxy& proxy, const std::string& why) {
  spdlog::info("{}: reading the configuration anew", why);
  const auto done = [why](const Outcome<ReloadStatus>& status) {
    if (!status && status.error().problems.empty()) {
      spdlog::warn("{}: {}", why, status.error().detail);
    }
  };
  proxy.reload_source({}, done, why);
}

/// What the proxy answered to the watch, which is heard on another thread.
struct WatchAnswer {
  std::atomic<bool> is_to_ask_again{false};
  std::atomic<bool> was_in_the_way{false};
};

/// A text that somebody else had read already is let be. What is in the way, such as a confirmation
/// that is awaited, goes by; it is told once.
void reload_watched(Proxy& proxy, const std::string& hash,
                    const std::shared_ptr<WatchAnswer>& answer) {
  ReloadOrder order;
  order.unless_read = hash;
  const auto done = [answer](const Outcome<ReloadStatus>& status) {
    const bool is_in_the_way = !status && status.error().status == 409;
    const bool is_told = answer->was_in_the_way.exchange(is_in_the_way) && is_in_the_way;
    if (!status && status.error().problems.empty() && !is_told) {
      spdlog::warn("file watch: {}{}", status.error().detail,
                   is_in_the_way ? "; the file is read when that is over" : "");
    }
    answer->is_to_ask_again = is_in_the_way;
  };
  proxy.reload_source(std::move(order), done, "file watch");
}

/// What comes of it is in the log, but for a refusal at once.
void upgrade(Proxy& proxy) {
  spdlog::info("SIGUSR2: starting the process that is to take over");
  const auto done = [](const Outcome<UpgradeStatus>& status) {
    if (!status) spdlog::warn("SIGUSR2: {}", status.error().detail);
  };
  proxy.upgrade({}, done, "SIGUSR2");
}

/// From a process that hands over, or that is to be asked for it. False when that is wanted and
/// cannot be.
bool find_predecessor(bool takes_over, const Settings& settings, OwnedDescriptor& predecessor) {
  if (predecessor.is_open() || !takes_over) return true;
  auto knocked = HandoverDoor::knock(settings.server.state_dir);
  if (knocked) {
    predecessor = std::move(*knocked);
    return true;
  }
  std::cerr << "sluice: " << knocked.error() << "\n";
  return false;
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
      reload(proxy, "SIGHUP");
      break;
    case SIGUSR2:
      upgrade(proxy);
      break;
    default:
      break;
  }
}

void obey_until_stopped(Proxy& proxy, int signals, const LoopObserver& observer, FileWatch& watch) {
  using std::chrono::steady_clock;
  const auto answer = std::make_shared<WatchAnswer>();
  while (!observer.has_stopped()) {
    if (observer.watches()) {
      watch.switch_on(steady_clock::now());
    } else {
      watch.switch_off();
    }
    std::array<pollfd, 3> ready{pollfd{signals, POLLIN, 0},
                                pollfd{observer.descriptor(), POLLIN, 0},
                                pollfd{watch.descriptor(), POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), watch.wait_ms(steady_clock::now())) < 0) continue;
    signalfd_siginfo info{};
    if (ready[0].revents != 0 && ::read(signals, &info, sizeof(info)) == sizeof(info)) {
      obey(proxy, info.ssi_signo);
    }
    if (ready[1].revents != 0) observer.read_events();
    if (answer->is_to_ask_again.exchange(false)) {
      watch.ask_again(steady_clock::now() + std::chrono::seconds(1));
    }
    if (watch.has_news(steady_clock::now())) reload_watched(proxy, watch.text_hash(), answer);
  }
}

}  // namespace

int check(const std::string& file) {
  if (!report(conf::read_file(file), file)) return 1;
  std::cout << file << ": ok\n";
  return 0;
}

int run(const std::string& file, bool takes_over) {
  OwnedDescriptor predecessor = inherited_handover();
  const conf::Parsed parsed = conf::read_file(file);
  if (!report(parsed, file)) {
    if (predecessor.is_open()) Succession::decline(std::move(predecessor), in_words(parsed));
    return 1;
  }
  if (!find_predecessor(takes_over, parsed.settings, predecessor)) return 1;
  open_log(parsed.settings.log.level);
  const int signals = block_signals();

  metrics::Exporter exporter;
  const auto observer = std::make_shared<LoopObserver>(parsed.settings.server.watch);
  Proxy::Options options;
  options.render_metrics = [&exporter](const Snapshot& snapshot) {
    return exporter.render(snapshot, std::chrono::steady_clock::now());
  };
  options.observer = observer;
  options.read_settings = reader_of(file);
  options.settings_text = parsed.text;
  options.command = command_to_run(file);
  options.predecessor = predecessor.release();
  Proxy proxy(parsed.settings, std::move(options));
  const auto problems = proxy.start();
  for (const Problem& problem : problems) {
    std::cerr << file << ": " << problem.where << ": " << problem.what << "\n";
  }
  if (!problems.empty()) return 1;
  FileWatch watch(file);
  obey_until_stopped(proxy, signals, *observer, watch);
  proxy.wait();
  ::close(signals);
  return proxy.failure().empty() ? 0 : 1;
}

}  // namespace sluice::proxy::program
