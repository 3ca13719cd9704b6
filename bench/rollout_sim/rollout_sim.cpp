#include <cstdint>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "bench/rollout_sim/policy.hpp"
#include "bench/rollout_sim/report.hpp"
#include "bench/rollout_sim/runs.hpp"
#include "bench/rollout_sim/scenario.hpp"

/// Rollouts under our policy and others, on the same streams of requests.
namespace sluice::sim {
namespace {

constexpr std::string_view usage =
    "usage: sluice_rollout_sim [--runs N] [--rival-runs N] [--scenario REGEX] [--policy REGEX]\n"
    "                          [--seed N] [--rate N] [--threads N] [--json FILE] [--list]\n";

struct Options {
  RunSettings run{.runs = 200};
  std::optional<std::uint64_t> rival_runs;  ///< of all policies but ours
  std::optional<double> rate;
  std::string scenario = ".";
  std::string policy = ".";
  std::string json;
  bool only_lists = false;
};

/// False when there is no such option.
bool apply(Options& options, std::string_view name, const std::string& value) {
  if (name == "--runs") {
    options.run.runs = std::stoull(value);
  } else if (name == "--rival-runs") {
    options.rival_runs = std::stoull(value);
  } else if (name == "--scenario") {
    options.scenario = value;
  } else if (name == "--policy") {
    options.policy = value;
  } else if (name == "--seed") {
    options.run.seed = std::stoull(value);
  } else if (name == "--rate") {
    options.rate = std::stod(value);
  } else if (name == "--threads") {
    options.run.threads = static_cast<unsigned>(std::stoul(value));
  } else if (name == "--json") {
    options.json = value;
  } else {
    return false;
  }
  return true;
}

std::optional<Options> options_of(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t index = 0; index < words.size(); ++index) {
    if (words[index] == "--list") {
      options.only_lists = true;
      continue;
    }
    if (index + 1 == words.size()) return std::nullopt;
    if (!apply(options, words[index], words[index + 1])) return std::nullopt;
    ++index;
  }
  return options;
}

bool fits(const std::string& name, const std::string& pattern) {
  return std::regex_search(name, std::regex(pattern, std::regex::icase));
}

std::vector<Scenario> chosen_scenarios(const Options& options) {
  std::vector<Scenario> chosen;
  for (Scenario& scenario : all_scenarios()) {
    if (!fits(scenario.name, options.scenario)) continue;
    if (options.rate && scenario.rate == Scenario{}.rate) scenario.rate = *options.rate;
    chosen.push_back(std::move(scenario));
  }
  return chosen;
}

std::vector<PolicyKind> chosen_policies(const Options& options) {
  std::vector<PolicyKind> chosen;
  for (PolicyKind& kind : all_policies()) {
    if (fits(kind.name, options.policy)) chosen.push_back(std::move(kind));
  }
  return chosen;
}

int list(const Options& options) {
  for (const Scenario& scenario : chosen_scenarios(options)) std::cout << scenario.name << '\n';
  for (const PolicyKind& kind : chosen_policies(options)) std::cout << kind.name << '\n';
  return EXIT_SUCCESS;
}

int simulate(const Options& options) {
  if (options.only_lists) return list(options);
  std::vector<Figures> all;
  print_head(std::cout);
  for (const Scenario& scenario : chosen_scenarios(options)) {
    for (const PolicyKind& kind : chosen_policies(options)) {
      RunSettings run = options.run;
      if (kind.name != sluice_policy().name) run.runs = options.rival_runs.value_or(run.runs);
      if (run.runs == 0) continue;
      all.push_back(run_all(scenario, kind, run));
      print_line(std::cout, all.back());
    }
  }
  if (options.json.empty()) return EXIT_SUCCESS;
  std::ofstream file(options.json);
  write_json(file, all);
  file.flush();
  if (file) return EXIT_SUCCESS;
  std::cerr << "cannot write " << options.json << '\n';
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace sluice::sim

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words == std::vector<std::string>{"--help"}) {
      std::cout << sluice::sim::usage;
      return EXIT_SUCCESS;
    }
    const auto options = sluice::sim::options_of(words);
    if (options) return sluice::sim::simulate(*options);
    std::cerr << sluice::sim::usage;
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n' << sluice::sim::usage;
  }
  return 2;
}
