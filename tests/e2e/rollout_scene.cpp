#include "tests/e2e/rollout_scene.hpp"

#include <array>
#include <ctime>
#include <iomanip>
#include <sstream>

namespace sluice::e2e {
namespace {

constexpr const char* pool_lines =
    "health = { path = \"/healthz\", interval = \"200ms\", timeout = \"2s\", rise = 1, fall = 2 "
    "}\n";

/// The states of a release that goes well, in order; -1 for all others.
int place_of(const std::string& state) {
  constexpr std::array<std::string_view, 3> good = {"promoted", "draining", "done"};
  const auto found = std::find(good.begin(), good.end(), state);
  return found == good.end() ? -1 : static_cast<int>(found - good.begin());
}

bool is_at_or_behind(const std::string& wanted, const std::string& state) {
  if (wanted == state) return true;
  if (wanted == "rolling_back") return state == "rolled_back";
  return place_of(wanted) >= 0 && place_of(state) > place_of(wanted);
}

bool is_end(const std::string& state) {
  return state == "done" || state == "rolled_back";
}

}  // namespace

std::string Policy::text() const {
  std::ostringstream out;
  out << "\n[route.shop.rollout]\nsteps = " << steps << "\nmin_requests = " << min_requests;
  out << "\nstep_time = \"" << step_time << "\"\nbake = \"" << bake;
  out << "\"\nretain_old = \"" << retain_old << "\"\n" << more;
  out << "\n[route.shop.rollout.errors]\nmax_rate = 0.1\n";
  out << "\n[route.shop.rollout.latency]\n" << latency << tables;
  return out.str();
}

std::string manual_gate(const std::string& before, const std::string& lines) {
  return "\n[[route.shop.rollout.gate]]\nbefore = " + before + "\nmanual = true\n" + lines;
}

void Version::fail(unsigned per_mille) {
  one.fail(per_mille);
  two.fail(per_mille);
}

void Version::take(std::chrono::microseconds base, std::chrono::microseconds spread) {
  one.take(base, spread);
  two.take(base, spread);
}

void Version::stall(unsigned per_mille, std::chrono::microseconds time) {
  one.stall(per_mille, time);
  two.stall(per_mille, time);
}

void Version::kill() {
  one.kill();
  two.kill();
}

void Version::start() {
  one.start();
  two.start();
}

std::int64_t Version::first_bad_ms() const {
  const std::int64_t a = one.first_bad_ms();
  const std::int64_t b = two.first_bad_ms();
  return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

ConfigText rollout_config(const Version& old_pool, const Version& new_pool,
                          const SceneSettings& settings) {
  ConfigText config;
  config.keeps_state = settings.keeps_state;
  config.log = "access = \"off\"\n";
  config.pool("shop-v1", {old_pool.one.address(), old_pool.two.address()}, pool_lines)
      .pool("shop-v2", {new_pool.one.address(), new_pool.two.address()}, pool_lines)
      .route("shop", settings.split, settings.route_lines + settings.policy.text());
  return config;
}

RolloutScene::RolloutScene(const SceneSettings& settings)
    : sluice(rollout_config(old_pool, new_pool, settings)) {}

LoadOptions RolloutScene::users(unsigned connections) const {
  return {.address = sluice.listener(), .connections = connections, .threads = 1};
}

AdminAnswer RolloutScene::start(const std::string& id, const std::string& members) const {
  return sluice.admin().post(path, R"({"to":"shop-v2","id":")" + id + "\"" + members + "}");
}

double RolloutScene::weight() const {
  const AdminAnswer route = sluice.admin().get("/v1/routes/shop");
  double of_new = 0;
  double sum = 0;
  for (const std::string at : {"/split/0", "/split/1"}) {
    const double weight = decimal(route, at + "/in_force");
    sum += weight;
    if (route.string(at + "/pool") == "shop-v2") of_new = weight;
  }
  return sum > 0 ? 100 * of_new / sum : -1;
}

std::vector<Decision> RolloutScene::decisions() const {
  const AdminAnswer why = explanation();
  std::vector<Decision> decisions;
  if (!why.at("/decisions").is_array()) return decisions;
  for (std::size_t at = 0; at < why.at("/decisions").get_array().size(); ++at) {
    const std::string entry = "/decisions/" + std::to_string(at);
    decisions.push_back({moment_ms(why.string(entry + "/at")), why.string(entry + "/decision"),
                         why.string(entry + "/reason"), why.string(entry + "/words")});
  }
  return decisions;
}

std::optional<Decision> RolloutScene::decision(const std::string& name) const {
  std::optional<Decision> found;
  for (const Decision& decision : decisions())
    if (decision.decision == name) found = decision;
  return found;
}

testing::AssertionResult RolloutScene::reaches(const std::string& wanted,
                                               Clock::duration limit) const {
  std::string now;
  eventually(
      [&] {
        now = state();
        return is_at_or_behind(wanted, now) || is_end(now);
      },
      limit);
  if (is_at_or_behind(wanted, now)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "it is not " << wanted << ": " << told();
}

testing::AssertionResult RolloutScene::reaches_step(int step, std::int64_t judged) const {
  const bool came = eventually([&] {
    const AdminAnswer now = rollout();
    return is_end(now.string("/state")) ||
           (now.number("/step") >= step && now.number("/weights/shop-v2") > 0 &&
            now.number("/counts/new/requests") >= judged);
  });
  if (came && rollout().number("/step") == step) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "it is not in step " << step << ": " << told();
}

testing::AssertionResult RolloutScene::holds(const std::string& reason,
                                             Clock::duration limit) const {
  AdminAnswer now;
  const auto is_so = [&] {
    return now.string("/state") == "holding" &&
           now.string("/reason").find(reason) != std::string::npos;
  };
  eventually(
      [&] {
        now = rollout();
        return is_so() || is_end(now.string("/state"));
      },
      limit);
  if (is_so()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "it does not hold for " << reason << ": " << told();
}

testing::AssertionResult RolloutScene::serves_only(Load& users, const std::string& version) const {
  const std::uint64_t mark = users.mark();
  if (!users.wait_for_further(300)) return testing::AssertionFailure() << "the load stands still";
  const LoadCounts counts = users.counts();
  users.mark();
  const auto found = counts.versions_by_mark.find(mark);
  if (found != counts.versions_by_mark.end() && found->second.size() == 1 &&
      found->second.begin()->first == version)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "not only " << version << " served: " << told();
}

std::string RolloutScene::told() const {
  return rollout().text + "\n" + explanation().text;
}

double decimal(const AdminAnswer& answer, const std::string& pointer) {
  const auto& value = answer.at(pointer);
  return value.is_number() ? value.to_number<double>() : -1;
}

std::int64_t moment_ms(const std::string& text) {
  std::tm parts{};
  std::istringstream in(text);
  char point = 0;
  int ms = 0;
  in >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%S") >> point >> ms;
  if (!in || point != '.') throw Failure("not a moment: '" + text + "'");
  return static_cast<std::int64_t>(::timegm(&parts)) * 1000 + ms;
}

}  // namespace sluice::e2e
