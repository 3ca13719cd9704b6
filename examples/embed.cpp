// A proxy inside your program: settings in C++, a release from v1 to v2, the end of v1.
#include <iostream>

#include "sluice/proxy.hpp"

int main() {
  sluice::Settings settings;
  settings.server.state_dir = "";  // nothing has to survive a restart
  settings.admin.address = "";     // no admin interface: this program is the admin
  settings.log.access = "off";
  settings.listeners = {{"127.0.0.1:0"}};
  settings.pools = {{.name = "shop-v1", .backends = {{"127.0.0.1:9001"}}},
                    {.name = "shop-v2", .backends = {{"127.0.0.1:9101"}}}};
  settings.routes = {{.name = "shop", .split = {{"shop-v1", 100}, {"shop-v2", 0}}}};

  sluice::Proxy proxy(settings);
  for (const sluice::Problem& problem : proxy.start()) {
    std::cerr << problem.where << ": " << problem.what << '\n';
    return 1;
  }
  std::cout << "serving on " << proxy.listener_addresses().front() << '\n';

  const auto split = proxy.set_split("shop", {{"shop-v1", 0}, {"shop-v2", 100}}).get();
  if (!split) {
    std::cerr << split.error().detail << '\n';
    return 1;
  }
  std::cout << "all new requests go to shop-v2\n";
  // Completions come on the proxy's control thread, exactly once.
  proxy.drain("shop-v1", "", sluice::milliseconds(30'000), [&proxy](const auto& drain) {
    if (drain) std::cout << "shop-v1 is drained, " << drain->cut << " requests cut\n";
    proxy.stop();
  });
  return proxy.wait() == 0 ? 0 : 1;
}
