#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "tests/e2e/scene.hpp"

namespace sluice::e2e {
namespace {

TEST(Resources, DescriptorsReturnAfterClientsThatVanish) {
  Scene scene(
      [](Exchange& exchange) {
        if (exchange.request().target == "/") return exchange.answer(200, "v1");
        exchange.send(exchange.head(200, "Content-Length: 1000000\r\n\r\n") + noise(50'000));
        exchange.stream().fill();
        exchange.close();
      },
      "", "idle_timeout = \"200ms\"\n");
  EXPECT_EQ(scene.get("/").status, 200u);
  ASSERT_TRUE(scene.backend.wait_for_open(0));
  const std::size_t at_start = scene.sluice.open_fds();
  std::size_t most = 0;
  for (int client = 0; client < 200; ++client) {
    RawClient vanishing = scene.sluice.client();
    switch (client % 4) {
      case 0:
        vanishing.send("GET / HT");
        break;
      case 1:
        vanishing.send(request_text("POST", "/post", "Content-Length: 99\r\n") + "x");
        break;
      case 2:
        vanishing.send(request_text("GET", "/get"));
        break;
      default:
        vanishing.send(request_text("GET", "/get"));
        vanishing.stream.fill_to(1000);
    }
    most = std::max(most, scene.sluice.open_fds());
    vanishing.stream.reset();
  }
  EXPECT_GT(most, at_start);
  EXPECT_GE(scene.backend.request_count(), 50u);
  EXPECT_TRUE(scene.backend.wait_for_open(0));
  EXPECT_TRUE(eventually([&] { return scene.sluice.open_fds() <= at_start; }))
      << scene.sluice.open_fds() << " instead of " << at_start;
  EXPECT_EQ(backend_number(scene.sluice, "in_flight"), 0);
  EXPECT_EQ(backend_number(scene.sluice, "open"), 0);
  EXPECT_EQ(scene.get("/").status, 200u);
}

TEST(Resources, ClientConnectionsOverTheLimitAreTurnedAwayAndRoomReturns) {
  Scene scene({}, "[limits]\nconnections = 5\n");
  {
    std::vector<RawClient> clients;
    for (int at = 0; at < 5; ++at) {
      clients.push_back(scene.sluice.client());
      EXPECT_EQ(clients.back().get("/").status, 200u);
    }
    RawClient sixth = scene.sluice.client();
    sixth.send(request_text("GET", "/"));
    const Response answer = sixth.response("GET", Deadline(milliseconds(500)));
    EXPECT_NE(answer.status, 200u) << answer;
  }
  EXPECT_TRUE(eventually([&] { return scene.get("/").status == 200; }));
}

TEST(Resources, EachThreadHasAName) {
  Scene scene;
  const auto names = [&] {
    std::multiset<std::string> found;
    const std::string tasks = "/proc/" + std::to_string(scene.sluice.pid()) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      found.insert(read_file(task.path().string() + "/comm"));
    }
    return found;
  };
  for (const char* name : {"sluice-work0\n", "sluice-control\n"}) {
    EXPECT_TRUE(eventually([&] { return names().count(name) == 1; })) << name;
  }
}

}  // namespace
}  // namespace sluice::e2e
