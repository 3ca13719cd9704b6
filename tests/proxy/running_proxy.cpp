#include "tests/proxy/running_proxy.hpp"

#include <algorithm>

#include "proxy/notices.hpp"

namespace sluice::proxy {

void Recorder::add(std::string line) {
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
  threads_.insert(std::this_thread::get_id());
  added_.notify_all();
}

void Recorder::on_log(LogLevel level, std::string_view line) {
  const std::lock_guard lock(mutex_);
  lines_.push_back("log " + std::to_string(static_cast<int>(level)) + " " + std::string(line));
  added_.notify_all();
}
void Recorder::on_audit(const Audit& audit) {
  add("audit " + audit.change + " of " + audit.subject + " by " + audit.who + " from " +
      audit.from + ": " + audit.before + " -> " + audit.after);
}
void Recorder::on_split_changed(const SplitChange& change) {
  add("split " + change.route + " " + in_words(change.before) + " -> " + in_words(change.after) +
      " revision " + std::to_string(change.revision) + " why " + change.why);
}
void Recorder::on_health_changed(const HealthChange& change) {
  add("health " + change.pool + " " + std::string(to_string(change.state)));
}
void Recorder::on_drain_begun(const DrainChange& change) {
  add("drain " + subject_of(change.status) + " by " + change.who);
}
void Recorder::on_drained(const DrainChange& change) {
  add("drained " + subject_of(change.status) + " cut " + std::to_string(change.status.cut));
}
void Recorder::on_undrained(const DrainChange& change) {
  add("undrain " + subject_of(change.status) + " by " + change.who);
}
void Recorder::on_membership_changed(const MembershipChange& change) {
  add("membership " + change.pool + " " + std::to_string(change.before.size()) + " -> " +
      std::to_string(change.after.size()) + " why " + change.why);
}
void Recorder::on_reload(const ReloadNotice& notice) {
  add("reload " + std::string(notice.problems.empty() ? "taken" : "refused") + " generation " +
      std::to_string(notice.generation));
}
void Recorder::on_readiness_changed(const Readiness& readiness) {
  add(readiness.ready ? "ready" : "not ready: " + readiness.reason);
}
void Recorder::on_stopped(std::size_t cut) {
  add("stopped " + std::to_string(cut));
}

bool Recorder::hears(const std::string& text) const {
  std::unique_lock lock(mutex_);
  return added_.wait_for(lock, support::patience, [&] {
    return std::any_of(lines_.begin(), lines_.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  });
}

std::vector<std::string> Recorder::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

std::size_t Recorder::count(const std::string& text) const {
  const auto all = lines();
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(),
                    [&](const std::string& line) { return line.find(text) != std::string::npos; }));
}

std::set<std::thread::id> Recorder::threads() const {
  const std::lock_guard lock(mutex_);
  return threads_;
}

Settings quiet_settings() {
  Settings settings;
  settings.server.workers = 2;
  settings.server.state_dir = "";
  settings.server.drain_timeout = seconds(5);
  settings.admin.address = "";
  settings.log.access = "off";
  settings.listeners = {{"127.0.0.1:0"}};
  return settings;
}

PoolSettings pool_of(const std::string& name, const std::vector<std::string>& backends) {
  PoolSettings pool;
  pool.name = name;
  for (const std::string& address : backends) pool.backends.push_back({address, weight_one});
  return pool;
}

RouteSettings route_of(const std::string& name, const std::string& path,
                       std::vector<ShareSettings> split) {
  RouteSettings route;
  route.name = name;
  route.path = path;
  route.split = std::move(split);
  return route;
}

HealthSettings quick_health() {
  HealthSettings health;
  health.path = "/healthz";
  health.interval = milliseconds(50);
  health.timeout = seconds(2);
  health.rise = health.fall = 1;
  return health;
}

RunningProxy::RunningProxy(Script v1_script)
    : v1("v1", std::move(v1_script)), v2("v2"), settings(quiet_settings()) {
  settings.pools = {pool_of("v1", {v1.address()}), pool_of("v2", {v2.address()})};
  settings.routes = {route_of("all", "/", {{"v1", 100}, {"v2", 0}})};
}

RunningProxy::~RunningProxy() {
  // Before the backends go, so that a test that failed early does not wait for a graceful end.
  if (proxy) proxy->stop_now();
}

void RunningProxy::start() {
  Proxy::Options options;
  options.observer = recorder;
  proxy = std::make_unique<Proxy>(settings, std::move(options));
  for (const Problem& problem : proxy->start()) {
    throw support::Failure(problem.where + ": " + problem.what);
  }
  if (!recorder->hears("log 2 serving on")) throw support::Failure("the proxy is not ready");
}

std::string RunningProxy::who_answers(const std::string& path) const {
  RawClient client(address());
  const Response response = client.get(path);
  return response.status == 200 ? response.fields.get("X-Version")
                                : std::to_string(response.status);
}

BackendStatus RunningProxy::backend(const std::string& pool, std::size_t index) const {
  const auto status = proxy->status().get();
  for (const PoolStatus& entry : status->pools) {
    if (entry.name == pool) return entry.backends.at(index);
  }
  throw support::Failure("no pool " + pool);
}

std::uint64_t RunningProxy::requests(const std::string& route, const std::string& pool) const {
  const auto snapshot = proxy->snapshot().get();
  std::uint64_t count = 0;
  for (const RoutePoolCounts& counts : snapshot->routes) {
    if (counts.route != route || counts.pool != pool) continue;
    for (const auto& [code, requests] : counts.codes) count += requests;
  }
  return count;
}

}  // namespace sluice::proxy
