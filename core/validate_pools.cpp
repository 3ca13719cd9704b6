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
  const Address* address;
  std::size_t index;
  bool operator<(const BackendAddress& other) const {
    return std::tie(address->port, address->host, address->kind, index) <
           std::tie(other.address->port, other.address->host, other.address->kind, other.index);
  }
};

struct Repeated {
  std::size_t index;
  std::size_t first;
};

/// The backends whose address an earlier one has, in order.
std::vector<Repeated> repeated(std::vector<BackendAddress> all) {
  std::vector<Repeated> found;
  std::sort(all.begin(), all.end());
  const BackendAddress* first = nullptr;
  for (const BackendAddress& one : all) {
    if (first != nullptr && *first->address == *one.address) {
      found.push_back({one.index, first->index});
    } else {
      first = &one;
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Repeated& a, const Repeated& b) { return a.index < b.index; });
  return found;
}

}  // namespace

void check_backends(const std::vector<BackendSettings>& backends, const std::string& where,
                    std::vector<Problem>& problems) {
  std::vector<Result<Address, std::string>> addresses;
  addresses.reserve(backends.size());
  std::vector<BackendAddress> all;
  all.reserve(backends.size());
  for (const BackendSettings& backend : backends) {
    addresses.push_back(parse_address(backend.address));
    if (addresses.back()) all.push_back({&*addresses.back(), addresses.size() - 1});
  }
  const std::vector<Repeated> again = repeated(std::move(all));
  auto next = again.begin();
  for (std::size_t i = 0; i < backends.size(); ++i) {
    // Made for those that have a problem only: there may be many thousands.
    const auto at = [&](const char* key) { return where + "[" + std::to_string(i) + "]" + key; };
    const Weight weight = backends[i].weight;
    if (weight == 0 || weight > weight_max) {
      problems.push_back({at(".weight"), "The weight is " + weight_text(weight) +
                                             "; allowed for a backend are weights above 0 up to " +
                                             weight_text(weight_max) + "."});
    }
    const auto& address = addresses[i];
    if (!address) {
      problems.push_back({at(".address"), address.error()});
      continue;
    }
    if (address->kind != Address::Kind::unix_path && address->port == 0) {
      problems.push_back({at(".address"), quoted(backends[i].address) +
                                              " has the port 0, to which nobody can connect; "
                                              "allowed are 1 to 65535."});
    }
    if (next == again.end() || next->index != i) continue;
    problems.push_back({at(".address"), quoted(backends[i].address) + " is the same address as " +
                                            where + "[" + std::to_string(next->first) +
                                            "]; a backend may be in a pool once, with a higher "
                                            "weight to get more."});
    ++next;
  }
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
