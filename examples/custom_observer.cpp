// What a proxy does, as your program wants to hear it: here one line for each thing.
#include <iostream>
#include <memory>

#include "sluice/proxy.hpp"

namespace {

/// All calls come one at a time, so nothing here needs a lock. Nothing here may block or throw.
class Narrator : public sluice::Observer {
 public:
  void on_log(sluice::LogLevel level, std::string_view line) override {
    if (level >= sluice::LogLevel::warn) std::cout << "attention: " << line << '\n';
  }
  void on_audit(const sluice::Audit& audit) override {
    std::cout << audit.who << " asked for: " << audit.change << " of " << audit.subject << '\n';
  }
  void on_split_changed(const sluice::SplitChange& change) override {
    std::cout << "route " << change.route << " is at revision " << change.revision << ':';
    for (const sluice::ShareSettings& share : change.after) {
      std::cout << ' ' << share.pool << '=' << share.weight;
    }
    std::cout << '\n';
  }
  void on_health_changed(const sluice::HealthChange& change) override {
    std::cout << change.backend << " is " << to_string(change.state) << '\n';
  }
  void on_drained(const sluice::DrainChange& change) override {
    std::cout << change.status.pool << " is no longer in use\n";
  }
  void on_readiness_changed(const sluice::Readiness& readiness) override {
    std::cout << (readiness.ready ? "ready" : "not ready: " + readiness.reason) << '\n';
  }
  void on_stopped(std::size_t cut) override { std::cout << "over, " << cut << " requests cut\n"; }
};

sluice::Settings settings() {
  sluice::Settings settings;
  settings.server.state_dir = "";
  settings.admin.address = "";
  settings.log.access = "off";
  settings.listeners = {{"127.0.0.1:0"}};
  settings.pools = {{.name = "shop-v1", .backends = {{"127.0.0.1:9001"}}},
                    {.name = "shop-v2", .backends = {{"127.0.0.1:9101"}}}};
  settings.routes = {{.name = "shop", .split = {{"shop-v1", 100}, {"shop-v2", 0}}}};
  return settings;
}

}  // namespace

int main() {
  sluice::Proxy proxy(settings(), {.observer = std::make_shared<Narrator>()});
  if (!proxy.start().empty()) return 1;
  proxy.set_split("shop", {{"shop-v1", 9000}, {"shop-v2", 1000}}, {}, "alice");
  proxy.drain(
      "shop-v1", "", {}, [&](const auto&) { proxy.stop(); }, "alice");
  return proxy.wait() == 0 ? 0 : 1;
}
