#include "core/split.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "bench/micro/counted.hpp"
#include "core/draw.hpp"

/// Choosing the pool of a request. The argument is the number of pools.
namespace sluice::bench {
namespace {

/// The first pool has nine tenths, the others share the rest.
core::Split split_of(std::int64_t pools) {
  const auto rest = static_cast<std::uint32_t>(pools) - 1;
  std::vector<core::Share> shares{{0, rest * 9 * weight_one}};
  for (std::uint32_t pool = 1; pool <= rest; ++pool) shares.push_back({pool, weight_one});
  return core::Split(std::move(shares));
}

void draw(benchmark::State& state) {
  const core::Split split = split_of(state.range(0));
  std::uint64_t word = 0;
  run_counted(state, [&] { benchmark::DoNotOptimize(split.draw(core::mixed(++word))); });
}
BENCHMARK(draw)->Arg(2)->Arg(core::max_shares);

/// As after the first pool could not serve.
void draw_again(benchmark::State& state) {
  const core::Split split = split_of(state.range(0));
  std::uint64_t word = 0;
  run_counted(state, [&] { benchmark::DoNotOptimize(split.draw(core::mixed(++word), 1)); });
}
BENCHMARK(draw_again)->Arg(2)->Arg(core::max_shares);

void sticky(benchmark::State& state) {
  const core::Split split = split_of(state.range(0));
  run_counted(state, [&] {
    const auto unit = core::sticky_hash(42, "9f86d081884c7d659a2feaa0c55ad015");
    benchmark::DoNotOptimize(split.at(unit));
  });
}
BENCHMARK(sticky)->Arg(2)->Arg(core::max_shares);

}  // namespace
}  // namespace sluice::bench
