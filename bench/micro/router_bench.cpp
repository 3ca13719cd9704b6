#include "core/router.hpp"

#include <benchmark/benchmark.h>

#include <cassert>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bench/micro/counted.hpp"
#include "core/target.hpp"

/// Finding the route of a request. The cost must not grow with the number of routes.
namespace sluice::bench {
namespace {

core::RequestHead head_for(std::string_view target) {
  core::RequestHead head;
  head.method = "GET";
  head.target = target;
  head.fields = {{"Host", "shop.example.com", core::FieldId::host},
                 {"Accept", "text/html,application/json", core::FieldId::accept}};
  [[maybe_unused]] const auto refusal = core::resolve_target(head);
  assert(!refusal);
  return head;
}

std::vector<RouteSettings> routes(std::size_t count) {
  std::vector<RouteSettings> all(count);
  for (std::size_t index = 0; index < all.size(); ++index) {
    all[index].name = "route" + std::to_string(index);
    all[index].host = "shop.example.com";
    all[index].path = "/svc" + std::to_string(index);
  }
  return all;
}

void match_route(benchmark::State& state) {
  const core::Router router(routes(static_cast<std::size_t>(state.range(0))));
  const std::string target = "/svc" + std::to_string(state.range(0) / 2) + "/cart?item=4711";
  const core::RequestHead head = head_for(target);
  if (!router.match(head)) return state.SkipWithError("no route matches");
  run_counted(state, [&] { benchmark::DoNotOptimize(router.match(head)); });
}
BENCHMARK(match_route)->Arg(1)->Arg(100)->Arg(10'000);

/// Every length of a path is tried, and none fits.
void match_no_route(benchmark::State& state) {
  const core::Router router(routes(static_cast<std::size_t>(state.range(0))));
  const core::RequestHead head = head_for("/a/b/c/d/e/f/g/h/i/j");
  run_counted(state, [&] { benchmark::DoNotOptimize(router.match(head)); });
}
BENCHMARK(match_no_route)->Arg(1)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace sluice::bench
