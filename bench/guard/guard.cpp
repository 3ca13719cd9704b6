#include <sys/socket.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/allocations.hpp"
#include "bench/guard/backend_end.hpp"
#include "core/plan.hpp"
#include "proxy/access_log.hpp"
#include "proxy/session.hpp"
#include "proxy/stream.hpp"
#include "proxy/worker.hpp"

/// A fixed sequence of requests through the real session code, over sockets in memory, on one
/// thread. Prints per case the allocations of a request in the steady state; under callgrind each
/// case leaves a dump with the instructions of the proxy alone. bench/guard/guard.py compares.
namespace sluice::bench {
namespace {

constexpr int warm_up = 500;
constexpr int measured = 200;

struct Case {
  const char* name;
  std::string request;
  std::string answer;
  bool keeps_alive = true;
  bool is_judged = false;  ///< by a rollout under way
};

const std::string plain_answer =
    "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\n\r\nHello, world\n";

const std::string browser_fields =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: http://shop.example.com/catalogue\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: theme=dark; sluice_shop=9f86d081884c7d659a2feaa0c55ad015; cart=3\r\n"
    "Cache-Control: no-cache\r\n";

const std::string rich_answer =
    "HTTP/1.1 200 OK\r\nServer: demo\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n"
    "Content-Type: application/json; charset=utf-8\r\nCache-Control: no-store\r\n"
    "Vary: Accept-Encoding\r\nETag: \"33a64df5\"\r\nX-Frame-Options: DENY\r\n"
    "Set-Cookie: cart=3; Path=/; HttpOnly\r\nTransfer-Encoding: chunked\r\n\r\n"
    "d\r\n{\"ok\": true}\n\r\n0\r\n\r\n";

std::vector<Case> cases() {
  const std::string host = "Host: shop.example.com\r\n";
  return {
      {"plain", "GET /item/1 HTTP/1.1\r\n" + host + "\r\n", plain_answer},
      {"browser", "GET /item/1?ref=a HTTP/1.1\r\n" + host + browser_fields + "\r\n", rich_answer},
      {"post",
       "POST /cart HTTP/1.1\r\n" + host + browser_fields +
           "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\n"
           "item=4711&n",
       plain_answer},
      {"fresh", "GET /item/1 HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", plain_answer,
       false},
      {"rollout", "GET /item/1 HTTP/1.1\r\n" + host + "\r\n", plain_answer, true, true}};
}

Settings settings_for(const std::string& old_path, const std::string& new_path) {
  Settings settings;
  settings.pools.resize(2);
  settings.pools[0].name = "shop-v1";
  settings.pools[0].backends = {{"unix:" + old_path}};
  settings.pools[1].name = "shop-v2";
  settings.pools[1].backends = {{"unix:" + new_path}};
  RouteSettings route;
  route.name = "shop";
  route.host = "shop.example.com";
  route.split = {{"shop-v1", 9000}, {"shop-v2", 1000}};
  route.sticky = {StickyKind::header, "X-User-Id"};
  route.timeouts = settings.timeouts;
  settings.routes = {route};
  return settings;
}

/// A worker in the program's own thread, with its backends.
class Stage {
 public:
  explicit Stage(const Case& one)
      : folder_(std::filesystem::temp_directory_path() /
                ("sluice-guard-" + std::to_string(::getpid()))),
        old_path_((std::filesystem::create_directories(folder_), folder_ / "old.sock").string()),
        new_path_((folder_ / "new.sock").string()),
        old_(old_path_, one.answer),
        new_(new_path_, one.answer) {
    const auto plan =
        std::make_shared<core::Plan>(core::build_plan(1, settings_for(old_path_, new_path_)));
    if (one.is_judged) put_on_trial(*plan);
    worker_.take_plan(plan, {condition("shop-v1", old_path_), condition("shop-v2", new_path_)});
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() {
    worker_.release();
    turn();
    std::filesystem::remove_all(folder_);
  }

  int connect() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      std::perror("socketpair");
      std::exit(EXIT_FAILURE);
    }
    CALLGRIND_TOGGLE_COLLECT;
    StreamPtr stream = make_stream(worker_.reactor(), worker_.wheel(), worker_.blocks());
    if (stream->adopt(ends[0])) {
      proxy::Session::start(worker_, std::move(stream), {}, worker_.tally().listener("guard"));
    }
    CALLGRIND_TOGGLE_COLLECT;
    return ends[1];
  }

  /// One request and its answer. Only what the proxy does is collected.
  void exchange(int client, const Case& one) {
    send_all(client, one.request);
    answer_.clear();
    while (answer_.find("Hello, world\n") == std::string::npos &&
           answer_.find("0\r\n\r\n") == std::string::npos) {
      turn();
      old_.serve();
      new_.serve();
      turn();
      receive(client, answer_);
    }
    turn();
  }

  void turn() {
    CALLGRIND_TOGGLE_COLLECT;
    worker_.reactor().turn(std::chrono::milliseconds(0));
    CALLGRIND_TOGGLE_COLLECT;
  }

 private:
  using StreamPtr = proxy::StreamPtr;
  static proxy::BackendCondition condition(const std::string& pool, const std::string& path) {
    const std::string address = "unix:" + path;
    return {pool, address, true, false, {*proxy::to_socket_address(*core::parse_address(address))}};
  }

  void put_on_trial(core::Plan& plan) {
    auto trial = std::make_shared<core::Trial>();
    trial->key = 1;
    trial->new_share = 1;
    trial->weight = 0.1;
    trial->judges_units = true;
    trial->shields = true;
    trial->shield_budget = 0.1;
    trial->errors = core::StatusSet({"5xx"});
    worker_.trials().begin(trial->key);
    const core::Topology& topology = *plan.topology;
    plan.splits.put(
        0, core::build_split(topology, 0, topology.routes[0].settings.split, std::move(trial)));
  }

  std::filesystem::path folder_;
  std::string old_path_;
  std::string new_path_;
  BackendEnd old_;
  BackendEnd new_;
  std::string answer_;
  proxy::AccessLog log_{"off"};
  std::atomic<unsigned> connections_{0};
  proxy::Worker worker_{{log_, connections_}};
};

void run(Stage& stage, const Case& one, int requests) {
  int client = one.keeps_alive ? stage.connect() : -1;
  for (int request = 0; request < requests; ++request) {
    if (!one.keeps_alive) client = stage.connect();
    stage.exchange(client, one);
    if (!one.keeps_alive) {
      ::close(client);
      stage.turn();
    }
  }
  if (one.keeps_alive) ::close(client);
  stage.turn();
}

void measure(const Case& one) {
  Stage stage(one);
  run(stage, one, warm_up);
  CALLGRIND_ZERO_STATS;
  const std::uint64_t before = allocations();
  run(stage, one, measured);
  const std::uint64_t after = allocations();
  CALLGRIND_DUMP_STATS_AT(one.name);
  std::cout << one.name << " requests " << measured << " allocations " << after - before << "\n";
}

}  // namespace
}  // namespace sluice::bench

int main() {
  for (const auto& one : sluice::bench::cases()) sluice::bench::measure(one);
  return EXIT_SUCCESS;
}
