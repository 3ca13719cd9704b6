#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// How a rollout moves the traffic of a route from its old pool to its new one, and when it takes
/// it back: `[route.NAME.rollout]`. A rollout without any of this is safe.
namespace sluice {

using std::chrono::milliseconds;

enum class RolloutMode : std::uint8_t {
  act,      ///< moves the weights
  observe,  ///< judges and reports, never moves a weight
};

/// What is done with a step whose time is over without enough evidence either way.
enum class Inconclusive : std::uint8_t { hold, advance, rollback };

/// What is done with a new release while another one is under way on the route.
enum class Supersede : std::uint8_t {
  reject,   ///< refused
  restart,  ///< the one under way is rolled back, then the new one begins
  queue,    ///< begins when the one under way has ended; one waits at most
};

/// What a gate or a query asks for.
enum class RolloutReaction : std::uint8_t { hold, rollback };

/// A condition for a weight: somebody has to agree before traffic goes further.
struct GateSettings {
  std::uint32_t before = 0;  ///< hundredths of a percent on NEW; asked before this step is entered
  bool manual = false;       ///< opened by the verb `approve`
  std::string hook = {};     ///< or by a 2xx answer of this URL (http://), asked with POST
  milliseconds timeout{3'600'000};  ///< then `on_timeout`
  RolloutReaction on_timeout = RolloutReaction::rollback;
  bool operator==(const GateSettings&) const = default;
};

/// Something outside that is told what happens: a URL (POST of JSON) or a command (JSON on its
/// standard input). A hook that fails is tried again; when all tries fail the rollout holds.
struct HookSettings {
  /// "started", "step", "held", "rolled_back", "promoted", "drained"
  std::vector<std::string> on = {};
  std::string url = {};                   ///< http://...
  std::vector<std::string> command = {};  ///< program and arguments; no shell
  milliseconds timeout{10'000};           ///< of one try
  unsigned retries = 2;                   ///< further tries
  bool operator==(const HookSettings&) const = default;
};

/// A question to a Prometheus server. Its failure is no evidence.
struct QuerySettings {
  std::string prometheus = {};    ///< http://host:port
  std::string expr = {};          ///< PromQL
  std::string bad_when = {};      ///< "> 0.85": one of < <= > >= == != and a number
  unsigned samples = 3;           ///< bad ones in a row
  milliseconds interval{10'000};  ///< between two questions
  RolloutReaction action = RolloutReaction::hold;
  bool operator==(const QuerySettings&) const = default;
};

/// Which answers of NEW are errors, and how many more than OLD's are tolerated.
struct RolloutErrorSettings {
  std::vector<std::string> statuses = {"5xx"};  ///< "5xx", "429"; broken attempts always count
  double tolerance = 1.10;                      ///< NEW may fail this much more often than OLD
  double max_rate = 0.005;  ///< a NEW that is surely below this is healthy, whatever OLD does
  bool operator==(const RolloutErrorSettings&) const = default;
};

/// When NEW is slower than OLD: a quantile of OLD's time to the response head, times
/// 1 + tolerance, plus slack.
struct RolloutLatencySettings {
  double tolerance = 0.20;
  milliseconds slack{2};
  std::vector<unsigned> quantiles = {50, 90, 99};  ///< of these, in percent
  bool operator==(const RolloutLatencySettings&) const = default;
};

/// Bounds that hold whatever OLD does; off when missing.
struct RolloutGuardSettings {
  std::optional<double> max_error_rate = {};
  std::optional<milliseconds> max_p99 = {};
  bool operator==(const RolloutGuardSettings&) const = default;
};

/// Copies of real requests for NEW, before it gets the first one that counts: GET and HEAD without
/// a body; the answers are compared and thrown away.
struct MirrorSettings {
  milliseconds time{0};                  ///< length of the stage; 0: there is none
  double share = 0.10;                   ///< of the requests
  std::uint64_t max_body = 1024 * 1024;  ///< octets of an answer that are read
  bool operator==(const MirrorSettings&) const = default;
};

struct RolloutSettings {
  RolloutMode mode = RolloutMode::act;
  /// Hundredths of a percent on NEW, rising; the last one is the bake, with OLD as control.
  std::vector<std::uint32_t> steps = {100, 500, 2500, 5000, 9500};
  milliseconds step_time{30'000};      ///< at least, per step
  milliseconds step_timeout{600'000};  ///< then `on_inconclusive`
  std::uint64_t min_requests = 500;    ///< on NEW, per step
  Inconclusive on_inconclusive = Inconclusive::hold;
  milliseconds bake{300'000};
  milliseconds retain_old{900'000};  ///< after the promotion; an undo is instant meanwhile
  milliseconds deadline{7'200'000};  ///< for all before the promotion; then rollback
  double alpha = 0.001;              ///< bound on false rollbacks, per rollout
  Supersede supersede = Supersede::reject;
  bool shield = true;           ///< failed first attempts on NEW are repeated on OLD
  double shield_budget = 0.10;  ///< at most this share of OLD's requests
  std::uint32_t slew = 0;       ///< hundredths of a percent a minute that NEW may gain; 0: at once
  unsigned catastrophe =
      8;  ///< first attempts in a row that failed on NEW while OLD serves; 0: off
  std::vector<std::string> freeze = {};  ///< "Fri 16:00 - Mon 07:00", local time: no advance in it
  RolloutErrorSettings errors = {};
  RolloutLatencySettings latency = {};
  RolloutGuardSettings guard = {};
  MirrorSettings mirror = {};
  std::vector<GateSettings> gates = {};
  std::vector<HookSettings> hooks = {};
  std::vector<QuerySettings> queries = {};
  bool operator==(const RolloutSettings&) const = default;
};

}  // namespace sluice
