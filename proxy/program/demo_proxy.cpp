#include "proxy/program/demo_proxy.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <span>

#include "proxy/json_writer.hpp"
#include "proxy/program/json_members.hpp"
#include "proxy/program/log_observer.hpp"
#include "proxy/program/views.hpp"

namespace sluice::proxy::program {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds ready_patience{10};
constexpr std::chrono::milliseconds ready_pause{20};
constexpr std::string_view drain_deadline = "30s";
constexpr std::chrono::seconds drain_patience{40};

constexpr const char* cart_route = "cart";

/// Adds a pool for each address, and a route on which the first one has everything.
void add_service(Settings& settings, RouteSettings route, std::span<const std::string_view> pools,
                 std::span<const std::string> addresses) {
  HealthSettings health;
  health.path = "/healthz";
  for (std::size_t i = 0; i < pools.size(); ++i) {
    PoolSettings pool;
    pool.name = pools[i];
    pool.backends = {{addresses[i]}};
    pool.health = health;
    settings.pools.push_back(std::move(pool));
    route.split.push_back({std::string(pools[i]), i == 0 ? 100 * weight_one : 0});
  }
  settings.routes.push_back(std::move(route));
}

Settings settings_for(const DemoBackends& backends) {
  Settings settings;
  settings.server.state_dir = "";
  settings.server.drain_timeout = std::chrono::seconds{2};
  settings.admin.address = "127.0.0.1:0";
  settings.log.access = "off";
  settings.listeners = {{"127.0.0.1:0"}};
  add_service(settings, {.name = "shop"}, demo_pools, backends.shop);
  add_service(settings,
              {.name = cart_route, .path = std::string(demo_cart_path), .rollout = demo_policy()},
              demo_cart_pools, backends.cart);
  return settings;
}

core::Result<RolloutStatus, std::string> or_sentence(Outcome<RolloutStatus> outcome) {
  if (outcome) return std::move(*outcome);
  return outcome.error().title + ": " + outcome.error().detail;
}

Proxy::Options options_for(metrics::Exporter& exporter) {
  Proxy::Options options;
  options.observer = std::make_shared<LogObserver>();
  options.render_metrics = [&exporter](const Snapshot& snapshot) {
    return exporter.render(snapshot, steady_clock::now());
  };
  return options;
}

DemoDrain read_drain(const std::string& body) {
  DemoDrain drain;
  drain.drained = drain_verdict(body).drained;
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(body, error);
  if (error || !value.is_object()) return drain;
  const boost::json::object& object = value.get_object();
  drain.in_flight = count_of(object, "in_flight");
  drain.upgraded = count_of(object, "upgraded");
  drain.open = count_of(object, "open");
  drain.cut = count_of(object, "cut");
  return drain;
}

}  // namespace

RolloutSettings demo_policy() {
  RolloutSettings policy;
  policy.steps = {500, 2500, 5000, 9500};
  policy.step_time = std::chrono::seconds{1};
  policy.min_requests = 100;
  policy.bake = std::chrono::seconds{1};
  policy.retain_old = std::chrono::seconds{1};
  // The load, the proxy and the toy share one machine.
  policy.latency.slack = std::chrono::milliseconds{10};
  return policy;
}

DemoProxy::DemoProxy(const DemoBackends& backends)
    : proxy_(settings_for(backends), options_for(exporter_)) {}

std::string DemoProxy::start() {
  std::string all;
  for (const Problem& problem : proxy_.start())
    all += (all.empty() ? "" : "; ") + problem.where + ": " + problem.what;
  return all;
}

std::string DemoProxy::wait_until_ready(
    const std::function<bool(std::chrono::milliseconds)>& sleep) const {
  const auto end = steady_clock::now() + ready_patience;
  AdminOrder order;
  order.target = "/readyz";
  for (;;) {
    const auto answer = call(order);
    if (answer) return "";
    if (steady_clock::now() > end) return answer.error();
    if (!sleep(ready_pause)) return "broken off";
  }
}

std::string DemoProxy::traffic_address() const {
  return proxy_.listener_addresses().front();
}

std::string DemoProxy::put_split(unsigned old_weight, unsigned new_weight) const {
  JsonWriter json;
  json.open_object().key("weights").open_object();
  json.key(demo_pools[0]).number(old_weight);
  json.key(demo_pools[1]).number(new_weight);
  AdminOrder order;
  order.method = "PUT";
  order.target = "/v1/routes/shop/split";
  order.body = json.close_object().close_object().str();
  const auto answer = call(std::move(order));
  return answer ? "" : answer.error();
}

core::Result<DemoDrain, std::string> DemoProxy::drain_old() const {
  JsonWriter json;
  json.open_object().key("deadline").text(drain_deadline).key("wait").boolean(true);
  AdminOrder order;
  order.method = "POST";
  order.target = "/v1/pools/" + std::string(demo_pools[0]) + "/drain";
  order.body = json.close_object().str();
  order.patience = drain_patience;
  const auto begin = steady_clock::now();
  const auto answer = call(std::move(order));
  if (!answer) return answer.error();
  DemoDrain drain = read_drain(answer->body);
  drain.took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
  return drain;
}

core::Result<RolloutStatus, std::string> DemoProxy::start_rollout(std::size_t version) {
  RolloutOrder order;
  order.to = demo_cart_pools[version];
  return or_sentence(proxy_.start_rollout(cart_route, std::move(order)).get());
}

core::Result<RolloutStatus, std::string> DemoProxy::rollout() {
  return or_sentence(proxy_.rollout(cart_route).get());
}

std::size_t DemoProxy::stop() {
  proxy_.stop();
  return proxy_.wait();
}

core::Result<AdminAnswer, std::string> DemoProxy::call(AdminOrder order) const {
  auto endpoint = parse_endpoint(proxy_.admin_address());
  if (!endpoint) return endpoint.error();
  auto answer = AdminClient(std::move(*endpoint), "").call(order);
  if (answer && (answer->status < 200 || answer->status > 299))
    return problem_view(answer->status, answer->body);
  return answer;
}

}  // namespace sluice::proxy::program
