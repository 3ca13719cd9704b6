#include "proxy/program/demo.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>

#include "proxy/program/demo_board.hpp"
#include "proxy/program/demo_load.hpp"
#include "proxy/program/demo_outcome.hpp"
#include "proxy/program/demo_proxy.hpp"
#include "proxy/program/demo_report.hpp"
#include "proxy/program/demo_rollout.hpp"
#include "proxy/program/demo_service.hpp"
#include "proxy/program/log_observer.hpp"
#include "proxy/program/verbs.hpp"

namespace sluice::proxy::program {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// SIGINT and SIGTERM as a thing to wait for, blocked in every thread that starts later.
class Interrupts {
 public:
  Interrupts() : signals_(open()) {}

  /// Waits this long. The number of the signal that came, or 0.
  int wait(milliseconds patience) const {
    if (wait_until_ready(signals_, POLLIN, patience, nullptr) != Readiness::ready) return 0;
    signalfd_siginfo came{};
    const bool read = ::read(signals_.number(), &came, sizeof came) == sizeof came;
    return read ? static_cast<int>(came.ssi_signo) : SIGINT;
  }

 private:
  static Descriptor open() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  Descriptor signals_;
};

/// What ends the story early: a signal, or a sentence on what did not work.
struct End {
  int signal = 0;
  std::string why;
};

class Story {
 public:
  Story(const DemoOptions& options, DemoReport& report)
      : options_(options),
        report_(report),
        old_("v1", seconds{options.seconds} * 4 + seconds{2}),
        new_("v2", seconds{options.seconds} * 4 + seconds{2}),
        proxy_({{old_.server().address(), new_.server().address()}, rollout_.addresses()}) {}
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;
  /// What waits for an answer of the proxy gets none from here on, and ends.
  ~Story() { proxy_.stop_now(); }

  int run() {
    try {
      tell();
    } catch (const End& end) {
      end_load();
      if (end.signal != 0) report_.note(now(), "Broken off.");
      if (end.signal == 0) std::cerr << "sluice: " << end.why << "\n";
      return end.signal != 0 ? 128 + end.signal : EXIT_FAILURE;
    }
    return outcome_.complaints().empty() ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  void tell() {
    start();
    watch(seconds{options_.seconds});
    for (std::size_t step = 1; step <= demo_step_all_new; ++step) move_to(step);
    drain();
    switch_off();
    load_.reset();
    conclude_first_act();
    play_second_act();
    if (options_.json) std::cout << demo_json(outcome_) << std::flush;
    if (options_.keep) stay();
    end_load();
    proxy_.stop();
  }

  void start() {
    require(proxy_.start());
    require(proxy_.wait_until_ready([this](milliseconds pause) {
      pass(pause);
      return true;
    }));
    board_.emplace(proxy_.traffic_address(), tally_);
    report_.open({{old_.server().address(), new_.server().address()},
                  proxy_.traffic_address(),
                  proxy_.admin_address(),
                  board_->url()});
    const std::uint16_t port = port_of(proxy_.traffic_address());
    begin_ = last_ = steady_clock::now();
    load_.emplace(port, options_.connections, tally_);
    download_.emplace(port);
    board_->say("All traffic is on shop-v1. A long download from it is under way.");
  }

  void move_to(std::size_t step) {
    const auto [title, old_weight, new_weight] = demo_steps[step];
    const std::string line = "sluice split shop shop-v1=" + std::to_string(old_weight) +
                             " shop-v2=" + std::to_string(new_weight);
    report_.command(now(), line);
    // Counted before the call: the weight is in force before its answer is here.
    if (step == 1) outcome_.new_requests_before_weight = new_.requests();
    require(proxy_.put_split(old_weight, new_weight));
    tally_.enter(step);
    board_->say("The weights of shop-v1 and shop-v2 are " + std::string(title) + ".");
    watch(seconds{options_.seconds});
  }

  void drain() {
    report_.command(now(), "sluice drain shop-v1 --wait");
    board_->say("shop-v1 is draining: what it has may end, the download too.");
    tally_.enter(demo_step_drain);
    outcome_.drain_waited = !download_->is_over();
    drain_.emplace(proxy_);
    do {
      watch(seconds{1});
    } while (!drain_->is_over());
    if (!drain_->result()) throw End{0, drain_->result().error()};
    outcome_.drain = *drain_->result();
    outcome_.old_connections = old_.server().wait_until_unused(seconds{2});
    report_.note(now(), outcome_.drain.drained ? "shop-v1 is drained." : "The drain has ended.");
  }

  void switch_off() {
    const auto download = download_->wait();
    if (!download)
      outcome_.download_failure = download.error();
    else if (download->version != 0)
      outcome_.download_failure = "it came from shop-v2";
    else
      outcome_.download_octets = download->octets;
    old_.stop();
    tally_.enter(demo_step_off);
    report_.note(now(), "shop-v1 is switched off; the load goes on.");
    board_->say("shop-v1 is switched off; the load goes on.");
    watch(seconds{2});
  }

  void conclude_first_act() {
    outcome_.steps = tally_.steps();
    for (const DemoCounts& step : outcome_.steps) outcome_.total.merge(step);
    outcome_.first_failure = tally_.first_failure();
    outcome_.served = {old_.requests(), new_.requests()};
    report_.close(outcome_);
  }

  void play_second_act() {
    require(
        rollout_.play({proxy_, report_, *board_, [this](milliseconds span) { pass(span); }, begin_},
                      options_.connections));
    if (!options_.keep) rollout_.end_load();
    outcome_.releases = rollout_.releases();
    report_.close_rollouts(outcome_.releases);
    board_->say(outcome_.complaints().empty()
                    ? "All is over. The good release was promoted, the bad ones were taken back."
                    : "All is over. Not everything was as it should be.");
  }

  void end_load() {
    load_.reset();
    rollout_.end_load();
  }

  /// The page shows the load until a signal comes.
  void stay() {
    report_.note(now(), "The load goes on until Ctrl-C: " + board_->url());
    while (interrupts_.wait(seconds{1}) == 0) board_->add(rollout_.take_second(begin_));
  }

  /// A line per second for this long.
  void watch(milliseconds span) {
    for (const auto end = steady_clock::now() + span; steady_clock::now() < end;) {
      pass(std::min<milliseconds>(seconds{1},
                                  std::chrono::ceil<milliseconds>(end - steady_clock::now())));
      const DemoSecond second = take_second();
      board_->add(second);
      report_.second(second);
    }
  }

  DemoSecond take_second() {
    DemoSecond second;
    const auto moment = steady_clock::now();
    second.at = now();
    second.length = std::chrono::duration_cast<milliseconds>(moment - last_);
    second.step = tally_.step();
    second.new_weight = demo_steps[second.step].new_weight;
    second.counts = tally_.take_recent();
    second.old_connections = old_.server().used_connections();
    last_ = moment;
    return second;
  }

  void pass(milliseconds span) const {
    if (const int signal = interrupts_.wait(span); signal != 0) throw End{signal, ""};
  }
  static void require(const std::string& error) {
    if (!error.empty()) throw End{0, error};
  }
  milliseconds now() const {
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin_);
  }

  Interrupts interrupts_;  ///< first: no thread may start before the signals are blocked
  const DemoOptions& options_;
  DemoReport& report_;
  steady_clock::time_point begin_ = steady_clock::now();
  steady_clock::time_point last_ = begin_;
  DemoTally tally_{demo_steps.size()};
  DemoOutcome outcome_;
  DemoService old_;
  DemoService new_;
  DemoRollout rollout_;
  DemoProxy proxy_;
  std::optional<DemoDrainCall> drain_;
  std::optional<DemoBoard> board_;
  std::optional<DemoLoad> load_;
  std::optional<DemoDownload> download_;
};

}  // namespace

int demo(const DemoOptions& options) {
  open_log("error");
  const Terminal terminal = standard_terminal();
  DemoReport report(options.json ? terminal.err : terminal.out, terminal.colour && !options.json);
  return Story(options, report).run();
}

}  // namespace sluice::proxy::program
