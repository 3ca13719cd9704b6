// A release by a program that knows of sluice only what is installed.
#include <iostream>

#include "backend.hpp"
#include "sluice/proxy.hpp"

int main() {
  const Backend v1("v1");
  const Backend v2("v2");
  sluice::Settings settings;
  settings.server = {.workers = 2, .state_dir = ""};
  settings.admin.address = "";
  settings.log.access = "off";
  settings.listeners = {{"127.0.0.1:0"}};
  settings.pools = {{.name = "v1", .backends = {{v1.address()}}},
                    {.name = "v2", .backends = {{v2.address()}}}};
  settings.routes = {{.name = "all", .split = {{"v1", 100}, {"v2", 0}}}};

  sluice::Proxy proxy(settings);
  for (const sluice::Problem& problem : proxy.start()) {
    std::cerr << problem.where << ": " << problem.what << '\n';
    return 1;
  }
  const std::string address = proxy.listener_addresses().front();
  if (ask(address) != "v1") return 2;
  if (!proxy.set_split("all", {{"v1", 0}, {"v2", 100}}).get()) return 3;
  if (ask(address) != "v2") return 4;
  const auto drain = proxy.drain("v1").get();
  if (!drain || drain->state != sluice::DrainState::drained) return 5;
  proxy.stop();
  std::cout << "moved from v1 to v2\n";
  return proxy.wait() == 0 ? 0 : 6;
}
