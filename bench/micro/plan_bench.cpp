#include "core/plan.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/micro/counted.hpp"
#include "proxy/access_log.hpp"
#include "proxy/worker.hpp"

/// Changes of the configuration, at 10,000 routes over 1,000 pools of 10 backends. Not on the path
/// of a request, but a worker serves nobody while it takes a plan.
namespace sluice::bench {
namespace {

constexpr std::size_t route_count = 10'000;
constexpr std::size_t pool_count = 1'000;
constexpr std::size_t pool_size = 10;
constexpr std::size_t changed_route = 4711;

std::string pool_name(std::size_t pool) {
  return "pool" + std::to_string(pool % pool_count);
}

std::vector<ShareSettings> shares_of(std::size_t route, Weight canary) {
  return {{pool_name(route), 10'000 - canary}, {pool_name(route + 1), canary}};
}

std::string address_of(std::size_t pool, std::size_t backend) {
  return "10." + std::to_string(pool / 250) + "." + std::to_string(pool % 250) + "." +
         std::to_string(backend) + ":8080";
}

Settings make_settings(std::size_t routes = route_count) {
  Settings settings;
  settings.pools.resize(pool_count);
  for (std::size_t pool = 0; pool < pool_count; ++pool) {
    settings.pools[pool].name = pool_name(pool);
    for (std::size_t backend = 0; backend < pool_size; ++backend) {
      settings.pools[pool].backends.push_back({address_of(pool, backend)});
    }
  }
  settings.routes.resize(routes);
  for (std::size_t route = 0; route < routes; ++route) {
    settings.routes[route].name = "route" + std::to_string(route);
    settings.routes[route].host = "shop" + std::to_string(route / 100) + ".example.com";
    settings.routes[route].path = "/svc" + std::to_string(route);
    settings.routes[route].split = shares_of(route, 1'000);
  }
  return settings;
}

using PlanPtr = std::shared_ptr<const core::Plan>;

/// Plans of two generations differ in every pool.
PlanPtr make_plan(std::uint64_t generation, std::size_t routes = route_count) {
  Settings settings = make_settings(routes);
  for (PoolSettings& pool : settings.pools) pool.idle_timeout += milliseconds(generation);
  return std::make_shared<const core::Plan>(core::build_plan(generation, std::move(settings)));
}

/// 1,000 routes over one pool of all backends, of which the middle one has this weight.
PlanPtr make_one_pool_plan(Weight weight) {
  Settings settings;
  PoolSettings& pool = settings.pools.emplace_back();
  pool.name = "pool0";
  for (std::size_t of = 0; of < pool_count; ++of) {
    for (std::size_t backend = 0; backend < pool_size; ++backend) {
      pool.backends.push_back({address_of(of, backend)});
    }
  }
  pool.backends[pool.backends.size() / 2].weight = weight;
  settings.routes.resize(1'000);
  for (std::size_t route = 0; route < settings.routes.size(); ++route) {
    settings.routes[route].name = "route" + std::to_string(route);
    settings.routes[route].path = "/svc" + std::to_string(route);
    settings.routes[route].split = {{"pool0", 100}};
  }
  return std::make_shared<const core::Plan>(core::build_plan(1, std::move(settings)));
}

/// `plan` with one split changed, as a change of weights makes it.
PlanPtr with_weights(const core::Plan& plan, const std::vector<ShareSettings>& weights) {
  auto changed = std::make_shared<core::Plan>(plan);
  ++changed->generation;
  changed->splits.put(changed_route, core::build_split(*plan.topology, changed_route, weights));
  return changed;
}

std::vector<proxy::BackendCondition> all_up() {
  std::vector<proxy::BackendCondition> conditions;
  for (std::size_t pool = 0; pool < pool_count; ++pool) {
    for (std::size_t backend = 0; backend < pool_size; ++backend) {
      const std::string address = address_of(pool, backend);
      conditions.push_back({pool_name(pool),
                            address,
                            true,
                            false,
                            {*proxy::to_socket_address(*core::parse_address(address))}});
    }
  }
  return conditions;
}

/// A worker in the program's own thread that takes two plans in turn.
class Swaps {
 public:
  Swaps(PlanPtr first, PlanPtr second) : plans_{std::move(first), std::move(second)} {
    for (const PlanPtr& plan : plans_) worker_.take_plan(plan, all_up());
  }
  Swaps(const Swaps&) = delete;
  Swaps& operator=(const Swaps&) = delete;

  void swap(const std::vector<proxy::BackendCondition>& conditions) {
    worker_.take_plan(plans_[++turn_ % plans_.size()], conditions);
  }

 private:
  std::array<PlanPtr, 2> plans_;
  std::size_t turn_ = 1;
  proxy::AccessLog log_{"off"};
  std::atomic<unsigned> connections_{0};
  proxy::Worker worker_{{log_, connections_}};
};

/// Copies the settings, as a reload does, and frees the plan.
void build_plan(benchmark::State& state) {
  const Settings settings = make_settings();
  run_counted(state, [&] { benchmark::DoNotOptimize(core::build_plan(1, settings)); });
}
BENCHMARK(build_plan)->Unit(benchmark::kMillisecond);

void build_split(benchmark::State& state) {
  const PlanPtr plan = make_plan(1);
  const auto weights = shares_of(changed_route, 2'500);
  run_counted(state, [&] {
    benchmark::DoNotOptimize(core::build_split(*plan->topology, changed_route, weights));
  });
}
BENCHMARK(build_split);

/// The whole plan that one change of weights makes, and freeing it.
void change_weights(benchmark::State& state) {
  const PlanPtr plan = make_plan(1);
  const auto weights = shares_of(changed_route, 2'500);
  run_counted(state, [&] { benchmark::DoNotOptimize(with_weights(*plan, weights)); });
}
BENCHMARK(change_weights)->Unit(benchmark::kMicrosecond);

/// A worker takes a plan of which only weights are new.
void swap_weights(benchmark::State& state) {
  const PlanPtr plan = make_plan(1);
  Swaps swaps(plan, with_weights(*plan, shares_of(changed_route, 2'500)));
  run_counted(state, [&] { swaps.swap({}); });
}
BENCHMARK(swap_weights);

/// A worker takes a plan after one backend of a pool of 10,000 has changed.
void swap_one_pool(benchmark::State& state) {
  Swaps swaps(make_one_pool_plan(100), make_one_pool_plan(200));
  run_counted(state, [&] { swaps.swap({}); });
}
BENCHMARK(swap_one_pool)->Unit(benchmark::kMillisecond);

/// A worker takes a plan without 10,000 backends, and then one that has them again.
void remove_backends(benchmark::State& state) {
  Settings settings;
  settings.pools.resize(1);
  settings.pools[0].name = "pool0";
  settings.pools[0].backends = {{address_of(0, 0)}};
  const auto small = std::make_shared<const core::Plan>(core::build_plan(2, std::move(settings)));
  Swaps swaps(make_one_pool_plan(100), small);
  run_counted(state, [&] {
    swaps.swap({});
    swaps.swap({});
  });
}
BENCHMARK(remove_backends)->Unit(benchmark::kMillisecond);

/// A worker takes a plan of so many routes of which every pool is new, with the conditions of all
/// backends.
void swap_topology(benchmark::State& state) {
  const auto routes = static_cast<std::size_t>(state.range(0));
  Swaps swaps(make_plan(1, routes), make_plan(2, routes));
  const auto conditions = all_up();
  run_counted(state, [&] { swaps.swap(conditions); });
}
BENCHMARK(swap_topology)->Arg(1'000)->Arg(route_count)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::bench
