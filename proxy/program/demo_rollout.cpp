#include "proxy/program/demo_rollout.hpp"

#include <algorithm>

#include "proxy/admin_rollout_json.hpp"
#include "proxy/program/demo_outcome.hpp"

namespace sluice::proxy::program {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// Fewer give too few requests for an act that anybody wants to watch.
constexpr std::size_t least_connections = 16;
constexpr milliseconds look_every{100};
/// For one release. A good one takes about 10 s at the rate of the load.
constexpr seconds release_patience{75};
/// Every version answers within 2 to 7 ms when nothing is wrong with it.
constexpr DemoManners usual{.least = milliseconds{2}, .range = milliseconds{5}};
constexpr unsigned bad_every = 10;
constexpr int times_slower = 5;
constexpr milliseconds slowest{1000};

DemoService cart_service(const char* version) {
  return {version, milliseconds{0}};
}

}  // namespace

DemoRollout::DemoRollout()
    : services_{cart_service("v1"), cart_service("v2"), cart_service("v3"), cart_service("v4")} {
  for (DemoService& service : services_) service.behave(usual);
}

std::array<std::string, demo_versions> DemoRollout::addresses() const {
  std::array<std::string, demo_versions> all;
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = services_[i].server().address();
  return all;
}

std::string DemoRollout::play(const Stage& stage, std::size_t connections) {
  stage.report.open_rollouts("http://" + stage.proxy.traffic_address() +
                             std::string(demo_cart_path));
  stage.board.turn_to("cart", tally_);
  stage.board.say("The second act: the proxy decides. All traffic of the cart is on cart-v1.");
  last_ = steady_clock::now();
  load_.emplace(port_of(stage.proxy.traffic_address()), std::max(connections, least_connections),
                tally_, std::string(demo_cart_path));
  if (std::string why = watch(stage, seconds{1}, false); !why.empty()) return why;
  for (std::size_t index = 0; index < demo_plots.size(); ++index) {
    if (std::string why = run(stage, index); !why.empty()) return why;
    stage.report.release(releases_.back());
    if (!releases_.back().is_as_told()) break;
  }
  tally_.enter(demo_plots.size());
  if (std::string why = watch(stage, seconds{1}, false); !why.empty()) return why;
  settle();
  return "";
}

/// One release, until a second after its end: what began before has come back by then.
std::string DemoRollout::run(const Stage& stage, std::size_t index) {
  const DemoPlot& plot = demo_plots[index];
  prepare(plot);
  index_ = index;
  tally_.enter(index);
  stage.report.command(std::chrono::duration_cast<milliseconds>(steady_clock::now() - stage.begin),
                       "sluice rollout start cart --to " + plot.new_pool() + " --watch");
  stage.board.say("A rollout from " + plot.old_pool() + " to " + plot.new_pool() + ": " +
                  plot.title + ".");
  auto begun = stage.proxy.start_rollout(plot.new_version);
  if (!begun) return begun.error();
  has_begun_ = true;
  decisions_told_ = 0;
  std::string why = watch(stage, release_patience, true);
  if (why.empty()) why = watch(stage, seconds{1}, false);
  if (!why.empty()) return why;
  close(plot);
  return "";
}

/// What is to be wrong with the new version.
void DemoRollout::prepare(const DemoPlot& plot) {
  const std::string reason = plot.reason;
  DemoManners manners = usual;
  if (reason == "errors") manners.fails_every = bad_every;
  if (reason == "p99") {
    const auto p99 = tally_.total().latencies.quantile(0.99);
    manners.slow_every = bad_every;
    manners.slow = std::min(std::chrono::ceil<milliseconds>(times_slower * p99), slowest);
    tally_.call_slow(manners.slow);
  }
  services_[plot.new_version].behave(manners);
}

void DemoRollout::close(const DemoPlot& plot) {
  const DemoService& fresh = services_[plot.new_version];
  DemoRelease release;
  release.plot = plot;
  release.end = status_;
  release.users = tally_.steps()[index_];
  release.bad_answers = fresh.bad();
  release.first_bad_ms = fresh.first_bad_ms();
  releases_.push_back(std::move(release));
}

/// What is known only when all is over.
void DemoRollout::settle() {
  const std::vector<DemoCounts> steps = tally_.steps();
  for (std::size_t i = 0; i < releases_.size(); ++i) {
    const DemoPlot& plot = releases_[i].plot;
    const std::size_t lost = plot.should_be_promoted() ? plot.old_version : plot.new_version;
    if (!releases_[i].is_as_told()) continue;
    for (std::size_t step = i + 1; step < steps.size(); ++step)
      releases_[i].answers_after += steps[step].answers[lost];
  }
}

/// Looks again and again for this long.
std::string DemoRollout::watch(const Stage& stage, milliseconds span, bool ends_with_rollout) {
  const auto end = steady_clock::now() + span;
  do {
    stage.pass(look_every);
    if (std::string why = look(stage); !why.empty()) return why;
    if (ends_with_rollout && !is_active(status_.state)) break;
  } while (steady_clock::now() < end);
  return "";
}

/// A line for each decision, and one for each second.
std::string DemoRollout::look(const Stage& stage) {
  const auto now = steady_clock::now();
  if (has_begun_) {
    auto status = stage.proxy.rollout();
    if (!status) return status.error();
    status_ = std::move(*status);
    stage.board.show_rollout(to_json(status_));
  }
  for (; decisions_told_ < status_.decisions.size(); ++decisions_told_)
    stage.report.decision(std::chrono::duration_cast<milliseconds>(now - stage.begin),
                          status_.decisions[decisions_told_]);
  if (now - last_ < seconds{1}) return "";
  const DemoSecond second = take_second(stage.begin);
  stage.board.add(second);
  stage.report.rollout_second(second, status_);
  return "";
}

DemoSecond DemoRollout::take_second(steady_clock::time_point begin) {
  const auto now = steady_clock::now();
  const DemoPlot& plot = demo_plots[index_];
  DemoSecond second;
  second.at = std::chrono::duration_cast<milliseconds>(now - begin);
  second.length = std::chrono::duration_cast<milliseconds>(now - last_);
  second.step = demo_steps.size() + index_;
  second.old_version = plot.old_version;
  second.new_version = plot.new_version;
  second.new_weight = status_.weight / 100.0;
  second.counts = tally_.take_recent();
  second.old_connections = services_[plot.old_version].server().used_connections();
  last_ = now;
  return second;
}

}  // namespace sluice::proxy::program
