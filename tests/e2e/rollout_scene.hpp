#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/faulty_backend.hpp"
#include "tests/e2e/scene.hpp"
#include "tests/support/load.hpp"

/// What the tests of rollouts start from.
namespace sluice::e2e {

/// `[route.shop.rollout]`: a policy that is quick, so that a test takes seconds. Healthy is who
/// surely fails less than one request in ten, which takes some 30 to 70 requests to know.
struct Policy {
  std::string steps = "[5, 50, 95]";
  std::string step_time = "300ms";
  std::string bake = "500ms";
  std::string retain_old = "500ms";
  int min_requests = 20;
  std::string more = {};                       ///< further lines of the table
  std::string latency = "slack = \"30ms\"\n";  ///< lines of its table latency
  std::string tables = {};                     ///< further tables below it

  std::string text() const;
};

/// `[[route.shop.rollout.gate]]` before a step.
std::string manual_gate(const std::string& before, const std::string& lines = "");

/// The two backends of one version.
struct Version {
  explicit Version(const std::string& name) : one(name), two(name) {}

  void fail(unsigned per_mille);
  void take(std::chrono::microseconds base, std::chrono::microseconds spread);
  void stall(unsigned per_mille, std::chrono::microseconds time);
  void kill();
  void start();
  std::uint64_t requests() const { return one.requests() + two.requests(); }
  std::uint64_t bad() const { return one.bad() + two.bad(); }
  /// See FaultyBackend::first_bad_ms(), of both.
  std::int64_t first_bad_ms() const;

  FaultyBackend one;
  FaultyBackend two;
};

/// One of the decisions in the JSON of the admin interface.
struct Decision {
  std::int64_t at_ms = 0;  ///< since the Unix epoch
  std::string decision;
  std::string reason;
  std::string words;
};

struct SceneSettings {
  Policy policy = {};
  std::string route_lines = {};
  std::string split = "shop-v1 = 100, shop-v2 = 0";
  bool keeps_state = false;
};

/// The program in front of pools shop-v1 and shop-v2, two backends each, and route shop. An answer
/// takes about 8 ms, which paces the users.
class RolloutScene {
 public:
  explicit RolloutScene(const SceneSettings& settings = {});

  /// GETs in a closed loop over so many connections: some 110 requests a second for each.
  LoadOptions users(unsigned connections = 8) const;

  /// POST …/rollout to shop-v2. `members` are further members of the JSON, each after a comma.
  AdminAnswer start(const std::string& id = "build-1", const std::string& members = "") const;
  AdminAnswer rollout() const { return sluice.admin().get(path); }
  AdminAnswer explanation() const { return sluice.admin().get(path + "/explain"); }
  /// A verb. `fields` as in AdminClient::call().
  AdminAnswer steer(const std::string& verb, const std::string& fields = "") const {
    return sluice.admin().call("POST", path + "/" + verb, "", fields);
  }

  std::string state() const { return rollout().string("/state"); }
  /// The share of shop-v2 that is in force by GET /v1/routes/shop, in percent.
  double weight() const;
  /// Judged requests on shop-v2.
  std::int64_t judged() const { return rollout().number("/counts/new/requests"); }
  std::vector<Decision> decisions() const;
  /// The newest one of this name.
  std::optional<Decision> decision(const std::string& name) const;

  /// Waits for a state, or one behind it. Fails, with the explanation, when the deadline passes or
  /// the rollout ends in another state.
  testing::AssertionResult reaches(const std::string& state,
                                   Clock::duration limit = patience) const;
  /// Waits until NEW has the weight of this step, counted from 1, and `judged` requests.
  testing::AssertionResult reaches_step(int step, std::int64_t judged = 1) const;
  /// Waits until it holds for a reason that contains this word.
  testing::AssertionResult holds(const std::string& reason, Clock::duration limit = patience) const;
  /// Fails, with the explanation, when `holds` is once not true within `time`.
  template <class Predicate>
  testing::AssertionResult keeps(Clock::duration time, Predicate holds) const {
    if (!eventually([&] { return !holds(); }, time)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "no longer so: " << told();
  }
  /// Requests that start now and later reach only the version of this name.
  testing::AssertionResult serves_only(Load& users, const std::string& version) const;

  /// How the rollout stands and why, for messages.
  std::string told() const;

  inline static const std::string path = "/v1/routes/shop/rollout";
  Version old_pool{"v1"};
  Version new_pool{"v2"};
  SluiceProcess sluice;
};

/// The configuration of such a scene.
ConfigText rollout_config(const Version& old_pool, const Version& new_pool,
                          const SceneSettings& settings);

/// A number of an answer that may be anything up to the largest; -1 when there is none.
double decimal(const AdminAnswer& answer, const std::string& pointer);

/// The moment in "2024-05-01T12:00:00.000Z", in ms since the Unix epoch. Throws Failure.
std::int64_t moment_ms(const std::string& text);

/// True for the two states that have traffic on OLD only, and the way there.
inline bool is_rolled_back(const std::string& state) {
  return state == "rolling_back" || state == "rolled_back";
}

}  // namespace sluice::e2e
