#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

#include "bench/allocations.hpp"

namespace sluice::bench {

/// Runs `operation` once to warm up, then as often as `state` asks, and reports the calls of
/// operator new per operation as the counter "allocs/op". On the path of a request that is 0. What
/// needs more than one operation to become steady is brought there before.
template <class Operation>
void run_counted(benchmark::State& state, Operation operation) {
  operation();
  const std::uint64_t before = allocations();
  for (auto step : state) operation();
  state.counters["allocs/op"] = benchmark::Counter(static_cast<double>(allocations() - before),
                                                   benchmark::Counter::kAvgIterations);
}

}  // namespace sluice::bench
