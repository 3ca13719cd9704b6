#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "core/address.hpp"
#include "core/quoted.hpp"
#include "core/validate.hpp"

namespace sluice::core {
namespace {

std::string weight_text(Weight weight) {
  const std::string fraction = std::to_string(weight % weight_one);
  return std::to_string(weight / weight_one) + (fraction.size() < 2 ? ".0" : ".") + fraction;
}

void check_positive(milliseconds value, const std::string& where, std::vector<Problem>& problems) {
  if (value.count() > 0) return;
  problems.push_back({where, "The duration is " + std::to_string(value.count()) +
                                 " ms; allowed are durations above zero."});
}

void check_count(unsigned value, const std::string& where, std::vector<Problem>& problems) {
  if (value >= 1) return;
  problems.push_back({where, "The count is 0; allowed are 1 and more."});
}

/// Printable ASCII without spaces: what may stand in a request line and in a Host field.
bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

void check_health(const HealthSettings& health, const std::string& where,
                  std::vector<Problem>& problems) {
  if (!health.path.starts_with('/') || !is_visible(health.path) ||
      health.path.find('#') != std::string::npos) {
    problems.push_back({where + ".path", quoted(health.path) +
                                             R"( is not a path; allowed are visible ASCII )" +
                                             R"(characters but "#", the first one "/".)"});
  }
  if (!is_visible(health.host) || health.host.find_first_of("/?#@") != std::string::npos) {
    problems.push_back({where + ".host", quoted(health.host) + R"( is not a host; an example is )" +
                                             R"("shop.example.com".)"});
  }
  check_positive(health.interval, where + ".interval", problems);
  check_positive(health.timeout, where + ".timeout", problems);
  check_count(health.rise, where + ".rise", problems);
  check_count(health.fall, where + ".fall", problems);
}

struct BackendAddress {
  Address address;
  std::size_t index = 0;
  bool operator<(const BackendAddress& other) const {
    return std::tie(address.port, address.host, address.kind, index) <
           std::tie(other.address.port, other.address.host, other.address.kind, other.index);
  }
};

void check_distinct(std::vector<BackendAddress> all, const std::vector<BackendSettings>& backends,
                    const std::string& where, std::vector<Problem>& problems) {
  std::sort(all.begin(), all.end());
  const BackendAddress* first = nullptr;
  for (const BackendAddress& one : all) {
    if (first == nullptr || first->address != one.address) {
      first = &one;
      continue;
    }
    problems.push_back({where + "[" + std::to_string(one.index) + "].address",
                        quoted(backends[one.index].address) + " is the same address as " + where +
                            "[" + std::to_string(first->index) +
                            "]; a backend may be in a pool once, with a higher weight to get "
                            "more."});
  }
}

}  // namespace

void check_backends(const std::vector<BackendSettings>& backends, const std::string& where,
                    std::vector<Problem>& problems) {
  std::vector<BackendAddress> addresses;
  addresses.reserve(backends.size());
  for (std::size_t i = 0; i < backends.size(); ++i) {
    // Made for those that have a problem only: there may be many thousands.
    const auto at = [&](const char* key) { return where + "[" + std::to_string(i) + "]" + key; };
    const Weight weight = backends[i].weight;
    if (weight == 0 || weight > weight_max) {
      problems.push_back({at(".weight"), "The weight is " + weight_text(weight) +
                                             "; allowed for a backend are weights above 0 up to " +
                                             weight_text(weight_max) + "."});
    }
    auto address = parse_address(backends[i].address);
    if (!address) {
      problems.push_back({at(".address"), address.error()});
      continue;
    }
    if (address->kind != Address::Kind::unix_path && address->port == 0) {
      problems.push_back({at(".address"), quoted(backends[i].address) +
                                              " has the port 0, to which nobody can connect; "
                                              "allowed are 1 to 65535."});
    }
    addresses.push_back({*std::move(address), i});
  }
  check_distinct(std::move(addresses), backends, where, problems);
}

void check_pool(const PoolSettings& pool, const std::string& where,
                std::vector<Problem>& problems) {
  check_name(pool.name, where, problems);
  check_backends(pool.backends, where + ".backends", problems);
  if (pool.health) check_health(*pool.health, where + ".health", problems);
  check_positive(pool.idle_timeout, where + ".idle_timeout", problems);
  check_positive(pool.resolve_interval, where + ".resolve_interval", problems);
}

void check_split(const std::vector<ShareSettings>& split, const Names& pools,
                 const std::string& where, std::vector<Problem>& problems) {
  if (split.empty()) {
    problems.push_back({where, "There is no pool in it; at least one is needed."});
    return;
  }
  Names seen;
  std::uint64_t sum = 0;
  for (const ShareSettings& share : split) {
    const std::string at = where + "." + share.pool;
    sum += share.weight;
    if (!pools.contains(share.pool)) {
      problems.push_back({at, "There is no pool " + quoted(share.pool) +
                                  "; allowed are the names of configured pools."});
    }
    if (!seen.insert(share.pool).second) {
      problems.push_back({at, "The pool is named twice; each pool may have one weight."});
    }
    if (share.weight > weight_max) {
      problems.push_back({at, "The weight is " + weight_text(share.weight) + "; allowed are 0 to " +
                                  weight_text(weight_max) + "."});
    }
  }
  if (sum == 0) {
    problems.push_back({where, "All weights are 0; at least one must be above 0."});
  }
}

}  // namespace sluice::core
