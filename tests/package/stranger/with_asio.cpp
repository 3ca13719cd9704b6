// A program that uses Asio itself, header-only, beside an embedded proxy: both work on, each with
// handlers, timers and coroutines of its own.
#include <boost/asio.hpp>
#include <iostream>

#include "backend.hpp"
#include "sluice/proxy.hpp"

namespace asio = boost::asio;

namespace {

asio::awaitable<void> tick(int& ticks) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (ticks < 1000) {
    timer.expires_after(std::chrono::microseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
    // Handlers of several sizes go through Asio's own memory.
    asio::post(timer.get_executor(),
               [text = std::string(64, 'x'), &ticks] { ticks += text.size() == 64 ? 1 : 0; });
  }
}

}  // namespace

int main() {
  const Backend v1("v1");
  sluice::Settings settings;
  settings.server.state_dir = "";
  settings.admin.address = "127.0.0.1:0";
  settings.log.access = "off";
  settings.listeners = {{"127.0.0.1:0"}};
  settings.pools = {{.name = "v1", .backends = {{v1.address()}}}};
  settings.routes = {{.name = "all", .split = {{"v1", 100}}}};
  sluice::Proxy proxy(settings);
  if (!proxy.start().empty()) return 1;

  int ticks = 0;
  asio::io_context io;
  asio::co_spawn(io, tick(ticks), asio::detached);
  std::thread asker([&] {
    const std::string address = proxy.listener_addresses().front();
    int answers = 0;
    while (answers < 50 && ask(address) == "v1") ++answers;
    asio::post(io, [&ticks, answers] { ticks += answers == 50 ? 0 : 1'000'000; });
  });
  io.run();
  asker.join();
  io.restart();
  io.run();
  std::cout << ticks << " ticks\n";
  return ticks < 2000 ? 0 : 2;
}
