#include <chrono>
#include <iostream>

#include "sluice/conf.hpp"
#include "sluice/metrics.hpp"
#include "sluice/problem.hpp"
#include "sluice/version.hpp"

namespace {

bool finds_the_missing_pool() {
  sluice::Settings settings;
  settings.listeners.push_back({"127.0.0.1:8080"});
  settings.routes.push_back({.name = "shop", .split = {{.pool = "nowhere", .weight = 100}}});
  for (const auto& problem : sluice::validate(settings)) {
    if (problem.what.find("nowhere") != std::string::npos) return true;
  }
  return false;
}

bool places_a_typo() {
  const auto parsed = sluice::conf::parse("[server]\nworkrs = 1\n", "stranger.toml");
  for (const auto& problem : parsed.problems) {
    if (problem.line == 2 && problem.message.find("workers") != std::string::npos) return true;
  }
  return false;
}

bool renders_metrics() {
  sluice::metrics::Exporter exporter;
  const auto text = exporter.render({}, std::chrono::steady_clock::now());
  return text.find("sluice_") != std::string::npos;
}

}  // namespace

int main() {
  std::cout << "sluice " << sluice::version << '\n';
  if (!finds_the_missing_pool()) return 1;
  if (!places_a_typo()) return 2;
  if (!renders_metrics()) return 3;
}
