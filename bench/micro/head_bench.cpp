#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/micro/counted.hpp"
#include "core/hop.hpp"
#include "proxy/head_parser.hpp"

/// Heads of a browser and of a typical answer: found, cut, and written anew for the other side.
namespace sluice::bench {
namespace {

constexpr unsigned max_fields = 100;
constexpr std::string_view request_id = "4aae68ef7a87bcad0c2abe14c2771f1d";

constexpr std::string_view request_text =
    "GET /svc17/cart?item=4711 HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: http://shop.example.com/catalogue\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: theme=dark; sluice_shop=9f86d081884c7d659a2feaa0c55ad015; cart=3\r\n"
    "Cache-Control: no-cache\r\n\r\n";

constexpr std::string_view response_text =
    "HTTP/1.1 200 OK\r\n"
    "Server: demo\r\n"
    "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n"
    "Content-Type: application/json; charset=utf-8\r\n"
    "Cache-Control: no-store\r\n"
    "Vary: Accept-Encoding\r\n"
    "ETag: \"33a64df5\"\r\n"
    "X-Frame-Options: DENY\r\n"
    "Set-Cookie: cart=3; Path=/; HttpOnly\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

void set_octets(benchmark::State& state, std::string_view text) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void find_request_head(benchmark::State& state) {
  const LimitSettings limits;
  run_counted(state, [&] {
    proxy::HeadScan scan;
    benchmark::DoNotOptimize(scan.look(request_text, limits, true));
  });
  set_octets(state, request_text);
}
BENCHMARK(find_request_head);

void parse_request(benchmark::State& state) {
  core::RequestHead head;
  if (proxy::parse_request_head(request_text, max_fields, head)) {
    return state.SkipWithError("refused");
  }
  run_counted(state, [&] {
    benchmark::DoNotOptimize(proxy::parse_request_head(request_text, max_fields, head));
  });
  set_octets(state, request_text);
}
BENCHMARK(parse_request);

void write_request(benchmark::State& state) {
  core::RequestHead head;
  if (proxy::parse_request_head(request_text, max_fields, head)) {
    return state.SkipWithError("refused");
  }
  core::RequestAdditions additions;
  additions.client_ip = "192.0.2.7";
  additions.request_id = request_id;
  additions.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  std::string out;
  run_counted(state, [&] {
    out.clear();
    core::write_request_head(out, head, {}, additions);
    benchmark::DoNotOptimize(out.data());
  });
  set_octets(state, out);
}
BENCHMARK(write_request);

void parse_response(benchmark::State& state) {
  core::ResponseHead head;
  if (proxy::parse_response_head(response_text, head)) return state.SkipWithError("refused");
  run_counted(state,
              [&] { benchmark::DoNotOptimize(proxy::parse_response_head(response_text, head)); });
  set_octets(state, response_text);
}
BENCHMARK(parse_response);

void write_response(benchmark::State& state) {
  core::ResponseHead head;
  if (proxy::parse_response_head(response_text, head)) return state.SkipWithError("refused");
  core::ResponseAdditions additions;
  additions.set_cookie = "sluice_shop=9f86d081884c7d65; Path=/; HttpOnly; SameSite=Lax";
  additions.request_id = request_id;
  std::string out;
  run_counted(state, [&] {
    out.clear();
    core::write_response_head(out, head, {core::BodyKind::chunked}, additions);
    benchmark::DoNotOptimize(out.data());
  });
  set_octets(state, out);
}
BENCHMARK(write_response);

}  // namespace
}  // namespace sluice::bench
