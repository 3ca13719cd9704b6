#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proxy/deadline.hpp"
#include "proxy/log_sink.hpp"
#include "proxy/place_map.hpp"
#include "proxy/socket_address.hpp"

namespace sluice::proxy {

/// What the addresses of backends mean now: literal ones at once, DNS names looked up again and
/// again. A failed look-up keeps the addresses that were known. Control thread only.
class Resolver {
 public:
  /// The addresses changed, or the first look-up ended.
  using OnChange = std::function<void(const std::string& pool, const std::string& address,
                                      const std::vector<SocketAddress>& addresses)>;

  /// `log` hears of look-ups that begin to fail.
  Resolver(boost::asio::io_context& io, DeadlineWheel& wheel, OnChange on_change, LogSink log = {});
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

  /// Begins to look up a backend, every `interval`. A literal address is known when this returns.
  /// For one that is looked up already: a shorter interval holds from now on, a longer one after
  /// the next look-up.
  void watch(const std::string& pool, const std::string& address,
             std::chrono::milliseconds interval);
  void forget(const std::string& pool, const std::string& address);
  /// Empty when nothing is known. Until the next watch(), forget() or call of OnChange.
  std::span<const SocketAddress> addresses(const std::string& pool,
                                           const std::string& address) const;
  /// True when it was looked up at least once, whatever came of it.
  bool is_known(const std::string& pool, const std::string& address) const;
  /// True when every name was.
  bool has_all() const;
  void stop();

 private:
  struct Name;
  struct Watched {
    std::optional<SocketAddress> literal;
    std::shared_ptr<Name> name;  ///< of all others
    bool is_known() const;
    std::span<const SocketAddress> addresses() const;
  };
  void look_up(const std::shared_ptr<Name>& name);
  void take(Name& name, const boost::system::error_code& error,
            const boost::asio::ip::tcp::resolver::results_type& found);
  void report_failure(const Name& name, const std::string& reason) const;

  boost::asio::ip::tcp::resolver resolver_;
  DeadlineWheel& wheel_;
  OnChange on_change_;
  LogSink log_;
  PlaceMap<Watched> watched_;
};

}  // namespace sluice::proxy
