#include "conf/pool_keys.hpp"

#include <array>

#include "conf/keys.hpp"

namespace sluice::conf {
namespace {

void read_backend_weight(const Spot& spot, BackendSettings& out, Reading& reading) {
  read_weight(spot, out.weight, reading);
}

constexpr std::array<Key<BackendSettings>, 2> backend_keys{{
    {"address", read_member<&BackendSettings::address>},
    {"weight", read_backend_weight},
}};

void read_backend(const Spot& spot, BackendSettings& out, Reading& reading) {
  if (const auto* address = spot.node.as<std::string>()) {
    out.address = *address;
  } else if (spot.node.as<Table>() != nullptr) {
    read_table<backend_keys>(spot, out, reading);
    require_key(spot, "address", reading);
  } else {
    reading.reject(spot,
                   "found " + describe(spot.node) +
                       ", expected an address in quotes or { address = \"...\", weight = 1 }");
  }
}

void read_backends(const Spot& spot, PoolSettings& out, Reading& reading) {
  for (const Spot& one : read_elements(spot, "addresses in quotes", reading)) {
    read_backend(one, out.backends.emplace_back(), reading);
  }
}

void read_balance(const Spot& spot, PoolSettings& out, Reading& reading) {
  constexpr std::array<std::string_view, 2> names{"least_request", "round_robin"};
  constexpr std::array<Balance, 2> values{Balance::least_request, Balance::round_robin};
  const std::size_t chosen = read_word(spot, names, reading);
  if (chosen < values.size()) out.balance = values[chosen];
}

constexpr std::array<Key<HealthSettings>, 6> health_keys{{
    {"path", read_member<&HealthSettings::path>},
    {"host", read_member<&HealthSettings::host>},
    {"interval", read_member<&HealthSettings::interval>},
    {"timeout", read_member<&HealthSettings::timeout>},
    {"rise", read_member<&HealthSettings::rise>},
    {"fall", read_member<&HealthSettings::fall>},
}};

void read_health(const Spot& spot, PoolSettings& out, Reading& reading) {
  read_table<health_keys>(spot, out.health.emplace(), reading);
}

constexpr std::array<Key<PoolSettings>, 5> pool_keys{{
    {"backends", read_backends, list_element_keys<backend_keys>},
    {"balance", read_balance},
    {"health", read_health, list_keys<health_keys>},
    {"idle_timeout", read_member<&PoolSettings::idle_timeout>},
    {"resolve_interval", read_member<&PoolSettings::resolve_interval>},
}};

}  // namespace

PoolSettings read_pool(const Named& named, Reading& reading) {
  PoolSettings pool;
  pool.name = named.name;
  read_table<pool_keys>(named.spot, pool, reading);
  return pool;
}

void list_pool_keys(const std::string& path, std::vector<std::string>& out) {
  list_named_keys<pool_keys>(path, out);
}

}  // namespace sluice::conf
