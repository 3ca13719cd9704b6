#include <optional>
#include <string>
#include <unordered_map>

#include "core/address.hpp"
#include "core/quoted.hpp"
#include "core/validate.hpp"

namespace sluice::core {
namespace {

/// Where each address is bound, by its one text.
using Bound = std::unordered_map<std::string, std::string>;

/// Reads an address on which to listen, or reports why it is none.
std::optional<Address> read_own(const std::string& text, const std::string& where,
                                std::vector<Problem>& problems) {
  auto address = parse_address(text);
  if (!address) {
    problems.push_back({where, address.error()});
    return std::nullopt;
  }
  if (address->kind == Address::Kind::name) {
    problems.push_back({where, quoted(text) + R"( names a host; to listen on, allowed are )" +
                                   R"("IPv4:port", "[IPv6]:port" and "unix:/path".)"});
    return std::nullopt;
  }
  return *address;
}

void note_bound(const Address& address, const std::string& where, Bound& bound,
                std::vector<Problem>& problems) {
  // With port 0 the system chooses a free one, a different one each time.
  if (address.kind != Address::Kind::unix_path && address.port == 0) return;
  const auto [earlier, is_new] = bound.emplace(to_string(address), where);
  if (is_new) return;
  problems.push_back({where, quoted(to_string(address)) + " is taken by " + earlier->second +
                                 " already; an address may be listened on once."});
}

void check_admin(const AdminSettings& admin, Bound& bound, std::vector<Problem>& problems) {
  if (admin.address.empty()) return;
  const std::string where = "admin.address";
  const auto address = read_own(admin.address, where, problems);
  if (!address) return;
  note_bound(*address, where, bound, problems);
  const bool is_local = address->kind == Address::Kind::unix_path || is_loopback(*address);
  if (is_local || !admin.token_file.empty()) return;
  problems.push_back({"admin.token_file", "None is given, but the admin interface on " +
                                              quoted(admin.address) +
                                              " can be reached from other machines; give a token "
                                              "file, or a loopback or unix address."});
}

}  // namespace

void check_addresses(const Settings& settings, std::vector<Problem>& problems) {
  for (std::size_t i = 0; i < settings.server.trusted_proxies.size(); ++i) {
    const auto network = parse_network(settings.server.trusted_proxies[i]);
    if (network) continue;
    problems.push_back({"server.trusted_proxies[" + std::to_string(i) + "]", network.error()});
  }
  if (settings.listeners.empty()) {
    problems.push_back({"listener", "There is none; at least one is needed to take requests."});
  }
  Bound bound;
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const std::string where = "listener[" + std::to_string(i) + "].address";
    const auto address = read_own(settings.listeners[i].address, where, problems);
    if (address) note_bound(*address, where, bound, problems);
    if (settings.listeners[i].shared && settings.listeners[i].address.starts_with("unix:")) {
      problems.push_back(
          {"listener[" + std::to_string(i) + "].shared",
           "a unix socket belongs to one process; take an IP address with a port, or "
           "leave this out."});
    }
  }
  check_admin(settings.admin, bound, problems);
}

}  // namespace sluice::core
