#include "proxy/resolver.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/address.hpp"

namespace sluice::proxy {
using boost::asio::ip::tcp;

struct Resolver::Name {
  Name(Resolver& of, DeadlineWheel& wheel)
      : resolver(of),
        next(
            wheel, [](void* owner) { static_cast<Name*>(owner)->wake(); }, this) {}

  void wake() {
    if (const auto alive = self.lock()) resolver.look_up(alive);
  }

  Resolver& resolver;
  std::string pool;
  std::string address;
  core::Address parsed;
  std::chrono::milliseconds interval{0};
  std::vector<SocketAddress> addresses;
  bool is_done = false;  ///< looked up at least once
  bool is_forgotten = false;
  bool was_failing = false;
  Deadline next;
  std::weak_ptr<Name> self;
};

Resolver::Resolver(boost::asio::io_context& io, DeadlineWheel& wheel, OnChange on_change,
                   LogSink log)
    : resolver_(io), wheel_(wheel), on_change_(std::move(on_change)), log_(std::move(log)) {}

Resolver::~Resolver() {
  stop();
}

void Resolver::stop() {
  for (const auto& [place, watched] : watched_) {
    if (!watched.name) continue;
    watched.name->is_forgotten = true;
    watched.name->next.disarm();
  }
  resolver_.cancel();
}

void Resolver::watch(const std::string& pool, const std::string& address,
                     std::chrono::milliseconds interval) {
  const auto [watched, is_new] = watched_.add(pool, address);
  if (!is_new) {
    if (!watched.name) return;
    Name& name = *watched.name;
    const bool is_shorter = interval < std::exchange(name.interval, interval);
    if (is_shorter && name.next.is_armed()) name.next.arm(interval);
    return;
  }
  auto parsed = core::parse_address(address);
  const auto literal = parsed ? to_socket_address(*parsed) : std::nullopt;
  if (literal) {
    watched.literal = literal;
    return;
  }
  const auto name = std::make_shared<Name>(*this, wheel_);
  name->pool = pool;
  name->address = address;
  name->interval = interval;
  name->self = name;
  watched.name = name;
  if (!parsed) return;
  name->parsed = *std::move(parsed);
  look_up(name);
}

void Resolver::look_up(const std::shared_ptr<Name>& name) {
  if (name->is_forgotten) return;
  resolver_.async_resolve(
      name->parsed.host, std::to_string(name->parsed.port), tcp::resolver::numeric_service,
      [this, name](const boost::system::error_code& error,
                   const tcp::resolver::results_type& found) { take(*name, error, found); });
}

/// What a look-up came to.
void Resolver::take(Name& name, const boost::system::error_code& error,
                    const tcp::resolver::results_type& found) {
  if (name.is_forgotten) return;
  const bool is_first = !std::exchange(name.is_done, true);
  name.next.arm(name.interval);
  if (error) {
    if (!std::exchange(name.was_failing, true)) report_failure(name, error.message());
    if (is_first) on_change_(name.pool, name.address, name.addresses);
    return;
  }
  name.was_failing = false;
  std::vector<SocketAddress> addresses;
  for (const auto& entry : found) {
    SocketAddress address;
    const auto endpoint = entry.endpoint();
    std::memcpy(&address.storage, endpoint.data(), endpoint.size());
    address.length = static_cast<socklen_t>(endpoint.size());
    addresses.push_back(address);
  }
  if (addresses == name.addresses && !is_first) return;
  name.addresses = std::move(addresses);
  on_change_(name.pool, name.address, name.addresses);
}

void Resolver::report_failure(const Name& name, const std::string& reason) const {
  if (!log_) return;
  log_(LogLevel::warn,
       "cannot look up backend " + name.address + " of pool " + name.pool + ": " + reason + "; " +
           (name.addresses.empty() ? "it gets no requests" : "keeping what is known"));
}

void Resolver::forget(const std::string& pool, const std::string& address) {
  const Watched* watched = watched_.find(pool, address);
  if (watched == nullptr) return;
  if (watched->name) {
    watched->name->is_forgotten = true;
    watched->name->next.disarm();
  }
  watched_.erase(pool, address);
}

bool Resolver::Watched::is_known() const {
  return literal || name->is_done;
}

std::span<const SocketAddress> Resolver::Watched::addresses() const {
  if (literal) return {&*literal, 1};
  return name->addresses;
}

std::span<const SocketAddress> Resolver::addresses(const std::string& pool,
                                                   const std::string& address) const {
  const Watched* watched = watched_.find(pool, address);
  return watched == nullptr ? std::span<const SocketAddress>{} : watched->addresses();
}

bool Resolver::is_known(const std::string& pool, const std::string& address) const {
  const Watched* watched = watched_.find(pool, address);
  return watched != nullptr && watched->is_known();
}

bool Resolver::has_all() const {
  return std::all_of(watched_.begin(), watched_.end(),
                     [](const auto& entry) { return entry.second.is_known(); });
}

}  // namespace sluice::proxy
