#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/rollout_hooks.hpp"
#include "tests/proxy/kept_log.hpp"
#include "tests/proxy/loop.hpp"
#include "tests/proxy/told_rollout.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_backend.hpp"

/// Hooks on a loop, and what they say.
namespace sluice::proxy::testing {

inline constexpr std::chrono::hours never{1};

inline HookSettings hook_to(const support::TestBackend& backend, unsigned retries = 0) {
  HookSettings hook;
  hook.on = {"started", "step", "held", "rolled_back"};
  hook.url = "http://" + backend.address() + "/told";
  hook.timeout = support::patience;
  hook.retries = retries;
  return hook;
}

inline HookSettings hook_of(std::vector<std::string> command) {
  HookSettings hook;
  hook.on = {"step"};
  hook.command = std::move(command);
  hook.timeout = support::patience;
  hook.retries = 0;
  return hook;
}

inline support::Script always(unsigned status, std::string body = "") {
  return [status, body](support::Exchange& exchange) { exchange.answer(status, body); };
}

/// Answers 500 to the first requests, and 200 from then on.
inline support::Script fails_first(unsigned count) {
  const auto left = std::make_shared<std::atomic<unsigned>>(count);
  return [left](support::Exchange& exchange) {
    const bool fails = *left > 0;
    if (fails) --*left;
    exchange.answer(fails ? 500 : 200, "");
  };
}

class HooksFixture : public ::testing::Test {
 protected:
  RolloutHooks& make(std::vector<HookSettings> hooks, HookWaits waits = {milliseconds(1), never}) {
    RolloutSettings policy;
    policy.hooks = std::move(hooks);
    hooks_ = std::make_unique<RolloutHooks>(
        loop_.io(), policy, log_.sink(),
        [this](const std::string& failure) { failures_.push_back(failure); }, waits);
    return *hooks_;
  }
  bool run_until_told(const support::TestBackend& backend, std::size_t count) {
    return loop_.run_until([&] {
      return backend.request_count() >= count && backend.open() == 0 && is_complete(backend);
    });
  }
  static bool is_complete(const support::TestBackend& backend) {
    for (const auto& request : backend.requests()) {
      if (!request.complete) return false;
    }
    return true;
  }
  bool run_until_failures(std::size_t count) {
    return loop_.run_until([&] { return failures_.size() >= count; });
  }
  /// What a backend was told of, in order.
  static std::vector<std::string> events(const support::TestBackend& backend) {
    std::vector<std::string> all;
    for (const auto& request : backend.requests()) {
      const auto body = boost::json::parse(request.body);
      all.emplace_back(body.at("event").as_string());
    }
    return all;
  }

  Loop loop_;
  support::TempDir directory_;
  support::TestBackend backend_;
  KeptLog log_;
  std::vector<std::string> failures_;
  std::unique_ptr<RolloutHooks> hooks_;
};

}  // namespace sluice::proxy::testing
