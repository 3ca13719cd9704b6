#include "proxy/tally.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>

#include "bench/micro/counted.hpp"
#include "core/draw.hpp"

/// What counting a request costs its worker.
namespace sluice::bench {
namespace {

void count_code(benchmark::State& state) {
  constexpr std::array<unsigned, 8> codes{200, 201, 204, 301, 304, 404, 500, 503};
  proxy::RoutePoolTally tally;
  for (const unsigned code : codes) tally.codes.add(code);
  std::uint64_t turn = 0;
  run_counted(state, [&] {
    tally.codes.add(codes[++turn % codes.size()]);
    benchmark::ClobberMemory();
  });
}
BENCHMARK(count_code);

/// Durations up to two minutes, so that every bucket gets some.
void observe(benchmark::State& state) {
  proxy::RoutePoolTally tally;
  std::uint64_t turn = 0;
  run_counted(state, [&] {
    const std::uint64_t word = core::mixed(++turn);
    tally.duration.observe(core::scaled(word, std::uint64_t{1} << (17 + word % 21)));
    benchmark::ClobberMemory();
  });
}
BENCHMARK(observe);

}  // namespace
}  // namespace sluice::bench
