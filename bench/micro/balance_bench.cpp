#include "core/balance.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/micro/counted.hpp"
#include "core/draw.hpp"

/// Choosing a backend. The argument is the number of backends.
namespace sluice::bench {
namespace {

/// A balancer with requests in flight: a new one finishes the one 64 before it.
class Traffic {
 public:
  /// Every `heavy_every`th backend weighs double; 0: all weigh the same.
  Traffic(Balance balance, std::int64_t backends, std::size_t heavy_every = 0)
      : backends_(static_cast<std::size_t>(backends)),
        balancer_(balance, members(backends_, heavy_every)) {}
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  core::Backend* any() { return &backends_.front(); }
  void choose(std::span<core::Backend* const> tried) {
    ++turn_;
    in_flight_[turn_ % in_flight_.size()] = balancer_.choose(core::mixed(turn_), tried);
    benchmark::ClobberMemory();
  }

 private:
  static std::vector<core::Balancer::Member> members(std::vector<core::Backend>& backends,
                                                     std::size_t heavy_every) {
    std::vector<core::Balancer::Member> all;
    all.reserve(backends.size());
    for (core::Backend& backend : backends) {
      const bool is_heavy = heavy_every != 0 && all.size() % heavy_every == 0;
      all.push_back({&backend, is_heavy ? 2 * weight_one : weight_one});
    }
    return all;
  }

  std::vector<core::Backend> backends_;
  core::Balancer balancer_;
  std::array<core::Ticket, 64> in_flight_;
  std::uint64_t turn_ = 0;
};

void least_request(benchmark::State& state) {
  Traffic traffic(Balance::least_request, state.range(0));
  run_counted(state, [&] { traffic.choose({}); });
}
BENCHMARK(least_request)->Arg(2)->Arg(100)->Arg(10'000);

/// The second attempt of a request; the cost grows with the number of backends.
void least_request_again(benchmark::State& state) {
  Traffic traffic(Balance::least_request, state.range(0));
  const std::array<core::Backend*, 1> tried{traffic.any()};
  run_counted(state, [&] { traffic.choose(tried); });
}
BENCHMARK(least_request_again)->Arg(2)->Arg(100)->Arg(10'000);

void round_robin(benchmark::State& state) {
  Traffic traffic(Balance::round_robin, state.range(0));
  run_counted(state, [&] { traffic.choose({}); });
}
BENCHMARK(round_robin)->Arg(2)->Arg(100)->Arg(10'000);

void round_robin_weighted(benchmark::State& state) {
  Traffic traffic(Balance::round_robin, state.range(0), 2);
  run_counted(state, [&] { traffic.choose({}); });
}
BENCHMARK(round_robin_weighted)->Arg(2)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace sluice::bench
