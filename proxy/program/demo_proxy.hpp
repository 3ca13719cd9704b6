#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "core/result.hpp"
#include "proxy/program/admin_client.hpp"
#include "proxy/program/demo_socket.hpp"
#include "proxy/program/demo_tally.hpp"
#include "sluice/metrics.hpp"
#include "sluice/proxy.hpp"

namespace sluice::proxy::program {

inline constexpr std::array<std::string_view, 2> demo_pools = {"shop-v1", "shop-v2"};
/// Of the service that the second act is about.
inline constexpr std::array<std::string_view, demo_versions> demo_cart_pools = {
    "cart-v1", "cart-v2", "cart-v3", "cart-v4"};
inline constexpr std::string_view demo_cart_path = "/cart";

/// How releases of the cart go: quicker than anybody's, since they are there to be watched.
RolloutSettings demo_policy();

/// Addresses, version by version.
struct DemoBackends {
  std::array<std::string, demo_pools.size()> shop;
  std::array<std::string, demo_versions> cart;
};

/// How a drain ended, in the words of the proxy.
struct DemoDrain {
  bool drained = false;
  std::uint64_t in_flight = 0;
  std::uint64_t upgraded = 0;
  std::uint64_t open = 0;
  std::uint64_t cut = 0;
  std::chrono::milliseconds took{0};
};

/// The proxy of the demonstration: the library embedded. Weights and drains are ordered through its
/// admin interface as an operator would, rollouts by calls of the library. The errors of all calls
/// are sentences.
class DemoProxy {
 public:
  explicit DemoProxy(const DemoBackends& backends);

  /// Starts it; "" or what stands in the way.
  std::string start();
  /// Waits until /readyz says that it takes traffic; "" or why it does not within 10 s. `sleep`
  /// waits between two looks and returns false to give up.
  std::string wait_until_ready(const std::function<bool(std::chrono::milliseconds)>& sleep) const;

  std::string traffic_address() const;
  std::string admin_address() const { return proxy_.admin_address(); }

  /// New weights, in force for every request that starts after this returned ""; else the error.
  std::string put_split(unsigned old_weight, unsigned new_weight) const;
  /// Drains shop-v1 and waits until it is drained, or for 30 s.
  core::Result<DemoDrain, std::string> drain_old() const;

  /// Begins a rollout of the cart to this version.
  core::Result<RolloutStatus, std::string> start_rollout(std::size_t version);
  /// How the newest one stands.
  core::Result<RolloutStatus, std::string> rollout();

  void stop_now() { proxy_.stop_now(); }
  /// Stops gracefully. Returns how many requests had to be cut.
  std::size_t stop();

 private:
  core::Result<AdminAnswer, std::string> call(AdminOrder order) const;

  metrics::Exporter exporter_;
  Proxy proxy_;
};

/// DemoProxy::drain_old() on a thread of its own, so that whoever asks can go on. Destroy it only
/// when it is over or the proxy was stopped, or wait that long.
class DemoDrainCall {
 public:
  explicit DemoDrainCall(const DemoProxy& proxy)
      : thread_([this, &proxy] {
          result_ = proxy.drain_old();
          over_.raise();
        }) {}
  DemoDrainCall(const DemoDrainCall&) = delete;
  DemoDrainCall& operator=(const DemoDrainCall&) = delete;
  ~DemoDrainCall() { thread_.join(); }

  bool is_over() const { return over_.is_raised(); }
  /// Requires is_over().
  const core::Result<DemoDrain, std::string>& result() const { return result_; }

 private:
  Flag over_;
  core::Result<DemoDrain, std::string> result_ = std::string("it is not over");
  std::thread thread_;
};

}  // namespace sluice::proxy::program
