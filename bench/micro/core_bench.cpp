#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/balance.hpp"
#include "core/hop.hpp"
#include "core/router.hpp"
#include "core/split.hpp"
#include "core/target.hpp"

/// What core/ costs per request. Nothing here touches a socket.
namespace sluice::core {
namespace {

/// A cheap sequence of well-mixed words (splitmix64).
class Words {
 public:
  std::uint64_t next() {
    std::uint64_t word = state_ += 0x9e3779b97f4a7c15U;
    word = (word ^ word >> 30U) * 0xbf58476d1ce4e5b9U;
    word = (word ^ word >> 27U) * 0x94d049bb133111ebU;
    return word ^ word >> 31U;
  }

 private:
  std::uint64_t state_ = 1;
};

RequestHead browser_head() {
  RequestHead head;
  head.method = "GET";
  head.target = "/svc17/cart?item=4711";
  head.fields = {{"Host", "shop.example.com", FieldId::host},
                 {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)", FieldId::other},
                 {"Accept", "text/html,application/json", FieldId::accept},
                 {"Accept-Encoding", "gzip, deflate, br", FieldId::other},
                 {"Cookie", "sluice_shop=9f86d081884c7d65; theme=dark", FieldId::cookie},
                 {"Connection", "keep-alive", FieldId::connection}};
  static_cast<void>(resolve_target(head));
  return head;
}

void draw(benchmark::State& state) {
  const Split split({{0, 9'000}, {1, 1'000}});
  Words words;
  for (auto step : state) benchmark::DoNotOptimize(split.draw(words.next()));
}
BENCHMARK(draw);

void sticky(benchmark::State& state) {
  const Split split({{0, 9'000}, {1, 1'000}});
  for (auto step : state) {
    benchmark::DoNotOptimize(split.at(sticky_hash(42, "9f86d081884c7d65")));
  }
}
BENCHMARK(sticky);

void match_route(benchmark::State& state) {
  std::vector<RouteSettings> routes(static_cast<std::size_t>(state.range(0)));
  for (std::size_t index = 0; index < routes.size(); ++index) {
    routes[index].name = "route" + std::to_string(index);
    routes[index].host = "shop.example.com";
    routes[index].path = "/svc" + std::to_string(index);
  }
  const Router router(routes);
  const RequestHead head = browser_head();
  for (auto step : state) benchmark::DoNotOptimize(router.match(head));
}
BENCHMARK(match_route)->Arg(1)->Arg(100)->Arg(10'000);

void choose_backend(benchmark::State& state) {
  std::vector<Backend> backends(static_cast<std::size_t>(state.range(0)));
  std::vector<Balancer::Member> members;
  members.reserve(backends.size());
  for (Backend& backend : backends) members.push_back({&backend, weight_one});
  Balancer balancer(Balance::least_request, members);
  Words words;
  for (auto step : state) benchmark::DoNotOptimize(balancer.choose(words.next(), {}));
}
BENCHMARK(choose_backend)->Arg(2)->Arg(100)->Arg(10'000);

void write_head(benchmark::State& state) {
  const RequestHead head = browser_head();
  RequestAdditions additions;
  additions.client_ip = "192.0.2.7";
  additions.request_id = "4aae68ef7a87bcad0c2abe14c2771f1d";
  additions.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  std::string out;
  for (auto step : state) {
    out.clear();
    write_request_head(out, head, {}, additions);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(write_head);

}  // namespace
}  // namespace sluice::core
